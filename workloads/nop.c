// SPDX-License-Identifier: MIT
/*
 * nop: asks for nothing. What it measures is the harness itself and the bare submission path of a
 * target. The drive checks already that every operation comes back exactly once and without an
 * error, so there is nothing left for an oracle.
 */
#include "workloads/workloads.h"

const struct workload_ops workload_nop = {
	.name = "nop",
	.help = "operations that do nothing: the floor of the harness",
	.op_name = "operation",
	.payload_max = 1 << 20, /* carried, never looked at */
};
