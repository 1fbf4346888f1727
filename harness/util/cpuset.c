// SPDX-License-Identifier: MIT
/* Parser and writer of the kernel's CPU list format. */
#include "harness/util/cpuset.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int number(const char **p, unsigned long *ret)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	*ret = strtoul(*p, &end, 10);
	*p = end;
	return *ret < CPU_SETSIZE ? 0 : -ERANGE;
}

int cpuset_parse(const char *text, cpu_set_t *ret)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (;;) {
		unsigned long first, last;
		int r = number(&text, &first);

		if (r)
			return r;
		last = first;
		if (*text == '-') {
			text++;
			r = number(&text, &last);
			if (r)
				return r;
		}
		if (last < first)
			return -EINVAL;
		for (; first <= last; first++)
			CPU_SET(first, &set);
		if (!*text)
			break;
		if (*text++ != ',')
			return -EINVAL;
	}
	*ret = set;
	return 0;
}

int cpuset_format(const cpu_set_t *set, char *buf, size_t size)
{
	size_t len = 0;

	if (size)
		buf[0] = 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int first = cpu, n;

		if (!CPU_ISSET(cpu, set))
			continue;
		while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, set))
			cpu++;
		n = snprintf(buf + len, size - len, first == cpu ? "%s%d" : "%s%d-%d",
			     len ? "," : "", first, cpu);
		if (n < 0 || (size_t)n >= size - len)
			return -ENOSPC;
		len += (size_t)n;
	}
	return 0;
}
