// SPDX-License-Identifier: MIT
/* Look-ups in the tables of plugins that main() brought. */
#include "harness/registry.h"

#include <string.h>

const struct workload_ops *registry_workload(const struct registry *reg, const char *name)
{
	for (size_t i = 0; reg->workloads[i]; i++)
		if (!strcmp(reg->workloads[i]->name, name))
			return reg->workloads[i];
	return NULL;
}

const struct target_ops *registry_target(const struct registry *reg, const char *workload,
					 const char *name)
{
	for (size_t i = 0; reg->targets[i]; i++)
		if (!strcmp(reg->targets[i]->workload, workload) &&
		    !strcmp(reg->targets[i]->name, name))
			return reg->targets[i];
	return NULL;
}

int registry_leftovers(const struct registry *reg, bool fix,
		       void (*found)(void *arg, const char *what), void *arg, struct err *err)
{
	int count = 0, failed = 0;

	for (size_t i = 0; reg->targets[i]; i++) {
		struct err why;
		int r = reg->targets[i]->leftovers
				? reg->targets[i]->leftovers(fix, found, arg, &why)
				: 0;

		if (r >= 0) {
			count += r;
		} else if (!failed) {
			failed = r;
			*err = why;
		}
	}
	return failed ? failed : count;
}
