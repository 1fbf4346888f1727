// SPDX-License-Identifier: MIT
/*
 * The machine and what runs on it: CPU, governor, virtualisation, mitigations, what others take
 * away (steal, over a short wait), the filesystem results would lie on, and helper programs.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/host/hostinfo.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"

#define STEAL_WATCH_NS (250 * NSEC_PER_MSEC)

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

static void report_cpu(cJSON *findings)
{
	_cleanup_json_ cJSON *cpu = hostinfo_cpu();
	const char *model = text_of(cpu, "model"), *governor = text_of(cpu, "governor");
	double online = cJSON_GetNumberValue(cJSON_GetObjectItem(cpu, "online"));
	cJSON *finding;

	finding = doctor_add(findings, "CPUs", online < 2 ? DOCTOR_WARNING : DOCTOR_OK, "%.0f x %s",
			     online, model ? model : "unknown model");
	if (online < 2)
		doctor_advise(finding,
			      "driver, target and sink share one CPU: every figure "
			      "includes their switching",
			      NULL);
	if (!governor)
		doctor_add(findings, "governor", DOCTOR_UNKNOWN,
			   "no cpufreq here: the clock is not ours to set");
	else if (!strcmp(governor, "performance"))
		doctor_add(findings, "governor", DOCTOR_OK, "%s", governor);
	else
		doctor_advise(doctor_add(findings, "governor", DOCTOR_WARNING, "%s", governor),
			      "the clock follows the load: short runs and low rates look slower",
			      "cpupower frequency-set -g performance");
}

static void report_virtualisation(cJSON *findings)
{
	_cleanup_json_ cJSON *virt = hostinfo_virtualisation();
	const char *hypervisor = text_of(virt, "hypervisor"), *vendor = text_of(virt, "vendor");
	const char *product = text_of(virt, "product"), *container = text_of(virt, "container");

	if (hypervisor)
		doctor_advise(doctor_add(findings, "virtualisation", DOCTOR_WARNING,
					 "hypervisor %s%s%s%s%s", hypervisor, vendor ? ", " : "",
					 vendor ? vendor : "", product ? " " : "",
					 product ? product : ""),
			      "neighbours can slow this machine at any time: compare alternating "
			      "runs only",
			      NULL);
	else
		doctor_add(findings, "virtualisation", DOCTOR_OK, "none seen");
	if (container)
		doctor_add(findings, "container", DOCTOR_OK, "%s", container);
}

static void report_mitigations(cJSON *findings)
{
	_cleanup_json_ cJSON *all = hostinfo_mitigations();
	const cJSON *one;
	char text[900] = "";

	cJSON_ArrayForEach (one, all) {
		size_t n = strlen(text);

		if (cJSON_IsString(one) && strcmp(one->valuestring, "Not affected"))
			snprintf(text + n, sizeof(text) - n, "%s%s: %s", n ? "; " : "", one->string,
				 one->valuestring);
	}
	doctor_add(findings, "mitigations", DOCTOR_OK, "%s",
		   *text		     ? text
		   : cJSON_GetArraySize(all) ? "not affected"
					     : "not told");
}

static void report_steal(cJSON *findings)
{
	struct proc_host before, after;
	double wall, percent;
	cJSON *finding;
	int r = procfs_host(&before);

	while (!r && nsec_sleep_until(nsec_now() + STEAL_WATCH_NS) == -EINTR)
		continue;
	r = r ? r : procfs_host(&after);
	if (r) {
		doctor_add(findings, "steal", DOCTOR_UNKNOWN, "/proc/stat: %s", strerror(-r));
		return;
	}
	wall = (double)STEAL_WATCH_NS * (double)sysconf(_SC_NPROCESSORS_ONLN);
	percent = 100 * (double)(after.steal_ns - before.steal_ns) / wall;
	finding = doctor_add(findings, "steal", percent > 1 ? DOCTOR_WARNING : DOCTOR_OK,
			     "%.1f %% of CPU time in the last 250 ms", percent);
	if (percent > 1)
		doctor_advise(finding, "the hypervisor runs others meanwhile: figures are too low",
			      "measure when the host is quieter, or on dedicated CPUs");
	percent = 100 * (double)(after.busy_ns - before.busy_ns) / wall;
	finding = doctor_add(findings, "load", percent > 10 ? DOCTOR_WARNING : DOCTOR_OK,
			     "CPUs %.0f %% busy in the last 250 ms", percent);
	if (percent > 10)
		doctor_advise(finding, "other programs are measured along",
			      "end them first: top shows who it is");
}

static void report_filesystem(cJSON *findings, const char *dir)
{
	_cleanup_json_ cJSON *fs = hostinfo_filesystem(dir);
	const char *type = text_of(fs, "type");

	if (!type)
		doctor_add(findings, "filesystem", DOCTOR_UNKNOWN, "%s is on no mount", dir);
	else if (!strcmp(type, "tmpfs") || !strcmp(type, "ramfs"))
		doctor_advise(doctor_add(findings, "filesystem", DOCTOR_WARNING,
					 "%s is on %s, which is memory", dir, type),
			      "an fsync costs nothing there: wal refuses it",
			      "-o with a folder on a disk, or wal's knob `dir`");
	else
		doctor_add(findings, "filesystem", DOCTOR_OK, "%s is on %s (%s, %s)", dir, type,
			   text_of(fs, "source"), text_of(fs, "options"));
}

void doctor_machine(cJSON *findings, const char *dir)
{
	struct utsname u;

	uname(&u);
	doctor_add(findings, "kernel", DOCTOR_OK, "%s %s %s", u.sysname, u.release, u.machine);
	report_cpu(findings);
	report_virtualisation(findings);
	report_mitigations(findings);
	report_steal(findings);
	report_filesystem(findings, dir);
}

static const struct tool_row {
	const char *name, *command, *cost, *package;
} tools[] = {
	{"gnuplot", "gnuplot --version 2>&1", "the HTML report has no pictures", "gnuplot-nox"},
	{"fio", "fio --version 2>&1", "ci/peers skips the rows of wal", "fio"},
	{"iperf3", "iperf3 --version 2>&1", "ci/peers skips the row of udp", "iperf3"},
	{"ss", "ss -V 2>&1", "ci/peers skips the row of netlink", "iproute2"},
};

static void report_tool(cJSON *findings, const struct tool_row *tool)
{
	FILE *f = popen(tool->command, "re");
	char line[128] = "", remedy[64];
	bool got = f && fgets(line, sizeof(line), f);

	if (f && pclose(f) == 0 && got) {
		line[strcspn(line, "\n")] = '\0';
		doctor_add(findings, tool->name, DOCTOR_OK, "%s", line);
		return;
	}
	snprintf(remedy, sizeof(remedy), "apt-get install %s", tool->package);
	doctor_advise(doctor_add(findings, tool->name, DOCTOR_MISSING, "not found"), tool->cost,
		      remedy);
}

void doctor_tools(cJSON *findings, const char *dir)
{
	(void)dir;
	for (size_t i = 0; i < array_size(tools); i++)
		report_tool(findings, &tools[i]);
}
