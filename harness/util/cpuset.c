// SPDX-License-Identifier: MIT
/* Parser for the kernel's CPU list format. */
#include "harness/util/cpuset.h"

#include <ctype.h>
#include <errno.h>
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
