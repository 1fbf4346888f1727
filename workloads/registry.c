// SPDX-License-Identifier: MIT
/* The table of workloads: a new one is one row here and one in workloads.h. */
#include "workloads/workloads.h"

/* clang-format off */
const struct workload_ops *const workload_table[] = {
	&workload_block,
	&workload_command,
	&workload_netlink,
	&workload_nop,
	&workload_udp,
	&workload_wal,
	NULL,
};
/* clang-format on */
