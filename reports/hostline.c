// SPDX-License-Identifier: MIT
/* The host in one line. Every part may be missing: what is not known is left out. */
#include "reports/hostline.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "reports/fmt.h"
#include "reports/get.h"

static int add(char *buf, size_t size, int n, const char *form, const char *text)
{
	char part[160];

	if (!*text || n < 0 || (size_t)n >= size)
		return n;
	snprintf(part, sizeof(part), form, text);
	return n + snprintf(buf + n, size - (size_t)n, "%s%s", n ? ", " : "", part);
}

int hostline(const cJSON *host, char *buf, size_t size)
{
	const cJSON *cpu = get(host, "cpu"), *virt = get(host, "virtualisation");
	const cJSON *fs = get(host, "filesystem");
	double online = get_number(cpu, "online"), memory = get_number(host, "memory_bytes");
	char raw[256], count[FMT_MAX];
	int n = 0;

	if (size)
		buf[0] = '\0';
	n = add(raw, sizeof(raw), n, "Linux %.60s", get_text(host, "kernel"));
	n = add(raw, sizeof(raw), n, "%.60s", get_text(cpu, "model"));
	if (online > 0) {
		snprintf(count, sizeof(count), "%.0f CPU%s", online, online == 1 ? "" : "s");
		n = add(raw, sizeof(raw), n, "%s", count);
	}
	if (memory > 0)
		n = add(raw, sizeof(raw), n, "%s", fmt_value(count, memory, "bytes", false));
	n = add(raw, sizeof(raw), n, "%.30s", get_text(virt, "hypervisor"));
	n = add(raw, sizeof(raw), n, "%.20s", get_text(fs, "type"));
	if (n > 0)
		fmt_safe(buf, size, raw);
	return n;
}

bool host_emulated(const cJSON *host)
{
	return !strcmp(get_text(get(host, "virtualisation"), "hypervisor"), "QEMU TCG");
}
