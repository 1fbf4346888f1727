/* SPDX-License-Identifier: MIT */
/* Every workload of this build, one row each. */
#pragma once

#include "harness/workload.h"

extern const struct workload_ops workload_block;
extern const struct workload_ops workload_command;
extern const struct workload_ops workload_netlink;
extern const struct workload_ops workload_nop;
extern const struct workload_ops workload_udp;
extern const struct workload_ops workload_wal;

extern const struct workload_ops *const workload_table[]; /* ended by NULL */
