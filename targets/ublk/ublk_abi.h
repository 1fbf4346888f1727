/* SPDX-License-Identifier: MIT */
/*
 * The control side of the ublk driver's interface, as of Linux 6.18, written down by hand because
 * the headers of a distribution are older than the kernels that we meet. Source: Linux
 * include/uapi/linux/ublk_cmd.h and drivers/block/ublk_drv.c; the names are the kernel's. The data
 * side is in ublk_io_abi.h. Not to be included together with <linux/ublk_cmd.h>.
 */
#pragma once

#include <linux/ioctl.h>
#include <stdint.h>

#define UBLK_CONTROL "/dev/ublk-control"

/* Commands on UBLK_CONTROL, sent as IORING_OP_URING_CMD with 128-byte entries. The plain numbers
 * are the legacy encoding; Linux 6.4 brought the ioctl encoding, which newer kernels may demand. */
#define UBLK_CMD_GET_QUEUE_AFFINITY  0x01
#define UBLK_CMD_GET_DEV_INFO	     0x02
#define UBLK_CMD_ADD_DEV	     0x04
#define UBLK_CMD_DEL_DEV	     0x05
#define UBLK_CMD_START_DEV	     0x06
#define UBLK_CMD_STOP_DEV	     0x07
#define UBLK_CMD_SET_PARAMS	     0x08
#define UBLK_CMD_GET_PARAMS	     0x09
#define UBLK_CMD_START_USER_RECOVERY 0x10
#define UBLK_CMD_END_USER_RECOVERY   0x11
#define UBLK_CMD_GET_FEATURES	     0x13 /* 6.5; from here on only in the ioctl encoding */
#define UBLK_CMD_DEL_DEV_ASYNC	     0x14 /* 6.9 */

/* In the command area of the entry. `queue_id` is UBLK_NO_QUEUE unless a command is for a queue. */
struct ublksrv_ctrl_cmd {
	uint32_t dev_id;
	uint16_t queue_id;
	uint16_t len;
	uint64_t addr; /* of a buffer of `len` bytes, in or out */
	uint64_t data[1];
	uint16_t dev_path_len; /* only for devices of the unprivileged */
	uint16_t pad;
	uint32_t reserved;
};

#define UBLK_NO_QUEUE UINT16_MAX
#define UBLK_ANY_ID   UINT32_MAX /* ADD_DEV: the driver chooses */
#define UBLK_IOR(nr)  _IOR('u', nr, struct ublksrv_ctrl_cmd)
#define UBLK_IOWR(nr) _IOWR('u', nr, struct ublksrv_ctrl_cmd)

/* Features of the driver (GET_FEATURES) and of a device (ADD_DEV): the release that brought them.
 */
#define UBLK_F_SUPPORT_ZERO_COPY      (1ull << 0) /* 6.15; claimed, but never granted, before */
#define UBLK_F_URING_CMD_COMP_IN_TASK (1ull << 1)
#define UBLK_F_NEED_GET_DATA	      (1ull << 2)
#define UBLK_F_USER_RECOVERY	      (1ull << 3)  /* 6.1: I/O in flight fails, new I/O waits */
#define UBLK_F_USER_RECOVERY_REISSUE  (1ull << 4)  /* 6.1: I/O in flight is sent again */
#define UBLK_F_UNPRIVILEGED_DEV	      (1ull << 5)  /* 6.3 */
#define UBLK_F_CMD_IOCTL_ENCODE	      (1ull << 6)  /* 6.4 */
#define UBLK_F_USER_COPY	      (1ull << 7)  /* 6.5: pread/pwrite on /dev/ublkcN */
#define UBLK_F_ZONED		      (1ull << 8)  /* 6.6 */
#define UBLK_F_USER_RECOVERY_FAIL_IO  (1ull << 9)  /* 6.13: all I/O fails until recovered */
#define UBLK_F_UPDATE_SIZE	      (1ull << 10) /* 6.16 */
#define UBLK_F_AUTO_BUF_REG	      (1ull << 11) /* 6.16 */
#define UBLK_F_QUIESCE		      (1ull << 12) /* 6.16 */
#define UBLK_F_PER_IO_DAEMON	      (1ull << 13) /* 6.16: several tasks for one queue */
#define UBLK_F_BUF_REG_OFF_DAEMON     (1ull << 14) /* 6.17 */

/* State of a device. */
#define UBLK_S_DEV_DEAD	    0 /* not started, or stopped */
#define UBLK_S_DEV_LIVE	    1
#define UBLK_S_DEV_QUIESCED 2 /* its server is gone, it waits for recovery, and so does its I/O */
#define UBLK_S_DEV_FAIL_IO  3 /* the same, and its I/O fails */

#define UBLK_MAX_QUEUE_DEPTH 4096
#define UBLK_MAX_NR_QUEUES   4096
#define UBLK_MAX_IO_BYTES    (1u << 25)

/* ADD_DEV (in and out) and GET_DEV_INFO. */
struct ublksrv_ctrl_dev_info {
	uint16_t nr_hw_queues;
	uint16_t queue_depth;
	uint16_t state;
	uint16_t pad0;
	uint32_t max_io_buf_bytes;
	uint32_t dev_id;
	int32_t ublksrv_pid;
	uint32_t pad1;
	uint64_t flags;
	uint64_t ublksrv_flags; /* the server's own: the driver keeps them and never looks */
	uint32_t owner_uid;
	uint32_t owner_gid;
	uint64_t reserved1;
	uint64_t reserved2;
};

#define UBLK_ATTR_READ_ONLY	 (1u << 0)
#define UBLK_ATTR_ROTATIONAL	 (1u << 1)
#define UBLK_ATTR_VOLATILE_CACHE (1u << 2) /* without it the driver never sends a flush */
#define UBLK_ATTR_FUA		 (1u << 3)

#define UBLK_PARAM_TYPE_BASIC	(1u << 0)
#define UBLK_PARAM_TYPE_DISCARD (1u << 1)
#define UBLK_PARAM_TYPE_DEVT	(1u << 2) /* only told, never set */

struct ublk_param_basic {
	uint32_t attrs;
	uint8_t logical_bs_shift; /* 9 to the page's */
	uint8_t physical_bs_shift;
	uint8_t io_opt_shift;
	uint8_t io_min_shift;
	uint32_t max_sectors; /* of one request: at most max_io_buf_bytes / 512 */
	uint32_t chunk_sectors;
	uint64_t dev_sectors;
	uint64_t virt_boundary_mask;
};

struct ublk_param_discard {
	uint32_t discard_alignment;
	uint32_t discard_granularity; /* never 0 */
	uint32_t max_discard_sectors;
	uint32_t max_write_zeroes_sectors;
	uint16_t max_discard_segments; /* 1 is all that the driver takes */
	uint16_t reserved0;
};

struct ublk_param_devt {
	uint32_t char_major;
	uint32_t char_minor;
	uint32_t disk_major; /* 0 while the device is not started */
	uint32_t disk_minor;
};

/* The head of the kernel's struct, which says its own length: what follows we neither set nor ask.
 */
struct ublk_params {
	uint32_t len;
	uint32_t types;
	struct ublk_param_basic basic;
	struct ublk_param_discard discard;
	struct ublk_param_devt devt;
};
