// SPDX-License-Identifier: MIT
/*
 * nop: asks for nothing. What it measures is the harness itself and the bare submission path of a
 * target. The drive checks already that every operation comes back exactly once, so the oracle has
 * only the results to look at.
 */
#include <string.h>

#include "workloads/workloads.h"

static int nop_check(struct lane *lane, struct op **ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (ops[i]->result < 0)
			return err_sys(&lane->err, ops[i]->result, "operation %llu",
				       (unsigned long long)ops[i]->seq);
	return 0;
}

const struct workload_ops workload_nop = {
	.name = "nop",
	.help = "operations that do nothing: the floor of the harness",
	.op_name = "operation",
	.check = nop_check,
};
