// SPDX-License-Identifier: MIT
/* The table of targets: a new one is one file, one row here and one in targets.h. */
#include "targets/targets.h"

/* clang-format off */
const struct target_ops *const target_table[] = {
	&target_block_device,
	&target_block_loop,
	&target_block_null_blk,
	&target_block_ublk,
	&target_command_once,
	&target_command_repeat,
	&target_netlink_recvmmsg,
	&target_netlink_recvmsg,
	&target_netlink_uring,
	&target_nop_null,
	&target_nop_uring,
	&target_udp_gso,
	&target_udp_sendmmsg,
	&target_udp_sendto,
	&target_udp_uring,
	&target_wal_sync,
	&target_wal_dsync,
	&target_wal_group,
	&target_wal_uring_group,
	NULL,
};
/* clang-format on */
