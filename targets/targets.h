/* SPDX-License-Identifier: MIT */
/* Every target of this build, one row each. */
#pragma once

#include "harness/target.h"

extern const struct target_ops target_block_device;
extern const struct target_ops target_block_loop;
extern const struct target_ops target_block_null_blk;
extern const struct target_ops target_block_ublk;
extern const struct target_ops target_command_once;
extern const struct target_ops target_command_repeat;
extern const struct target_ops target_netlink_recvmmsg;
extern const struct target_ops target_netlink_recvmsg;
extern const struct target_ops target_netlink_uring;
extern const struct target_ops target_nop_null;
extern const struct target_ops target_nop_uring;
extern const struct target_ops target_udp_gso;
extern const struct target_ops target_udp_sendmmsg;
extern const struct target_ops target_udp_sendto;
extern const struct target_ops target_udp_uring;
extern const struct target_ops target_wal_dsync;
extern const struct target_ops target_wal_group;
extern const struct target_ops target_wal_sync;
extern const struct target_ops target_wal_uring_group;

extern const struct target_ops *const target_table[]; /* ended by NULL */
