/* SPDX-License-Identifier: MIT */
/*
 * The data side of the ublk driver's interface, as of Linux 6.18: what a server and /dev/ublkcN say
 * to each other. Source: Linux include/uapi/linux/ublk_cmd.h; the names are the kernel's.
 *
 * A server maps the descriptors of each queue read-only at ublk_desc_offset(queue), posts one FETCH
 * for each tag, and from then on answers with COMMIT_AND_FETCH. The completion of a command is the
 * arrival of a request: its result is UBLK_IO_RES_*, its request lies at descriptor `tag`.
 */
#pragma once

#include <linux/ioctl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "targets/ublk/ublk_abi.h"

/* Commands on /dev/ublkcN, IORING_OP_URING_CMD; legacy numbers, ioctl-encoded by UBLK_IO_U. The
 * command fits into the 16 bytes of a plain entry. */
#define UBLK_IO_FETCH_REQ	     0x20
#define UBLK_IO_COMMIT_AND_FETCH_REQ 0x21
#define UBLK_IO_NEED_GET_DATA	     0x22
#define UBLK_IO_REGISTER_IO_BUF	     0x23 /* 6.15, only ioctl-encoded */
#define UBLK_IO_UNREGISTER_IO_BUF    0x24 /* 6.15, only ioctl-encoded */

/* In the command area of the entry. With user copy and zero copy `addr` must be 0 in FETCH and
 * COMMIT; for REGISTER_IO_BUF it is the index in the ring's table of buffers. */
struct ublksrv_io_cmd {
	uint16_t q_id;
	uint16_t tag;
	int32_t result; /* COMMIT: bytes or -errno */
	uint64_t addr;	/* of the buffer for this tag */
};

#define UBLK_IO_U(nr) _IOWR('u', nr, struct ublksrv_io_cmd)

/* Results of FETCH and COMMIT_AND_FETCH. */
#define UBLK_IO_RES_OK		  0
#define UBLK_IO_RES_NEED_GET_DATA 1
#define UBLK_IO_RES_ABORT	  (-19) /* -ENODEV: the device stops; do not fetch again */

#define UBLK_IO_OP_READ		0
#define UBLK_IO_OP_WRITE	1
#define UBLK_IO_OP_FLUSH	2
#define UBLK_IO_OP_DISCARD	3
#define UBLK_IO_OP_WRITE_SAME	4
#define UBLK_IO_OP_WRITE_ZEROES 5

#define UBLK_IO_F_FUA	       (1u << 13)
#define UBLK_IO_F_NOUNMAP      (1u << 15) /* write zeroes: keep the space allocated */
#define UBLK_IO_F_NEED_REG_BUF (1u << 17) /* automatic registration failed: do it by hand */

/* One request. */
struct ublksrv_io_desc {
	uint32_t op_flags; /* operation in the low 8 bits, UBLK_IO_F_* */
	uint32_t nr_sectors;
	uint64_t start_sector;
	uint64_t addr;
};

static inline unsigned ublk_desc_op(const struct ublksrv_io_desc *d)
{
	return d->op_flags & 0xff;
}

/* Where the descriptors of a queue are mapped, and how many bytes of them: whole pages. */
static inline off_t ublk_desc_offset(unsigned queue, size_t page_bytes)
{
	size_t most = UBLK_MAX_QUEUE_DEPTH * sizeof(struct ublksrv_io_desc);

	return (off_t)queue * (off_t)((most + page_bytes - 1) / page_bytes * page_bytes);
}

static inline size_t ublk_desc_bytes(unsigned depth, size_t page_bytes)
{
	size_t used = depth * sizeof(struct ublksrv_io_desc);

	return (used + page_bytes - 1) / page_bytes * page_bytes;
}

/* User copy: the data of (queue, tag) is read and written at this offset of /dev/ublkcN. */
#define UBLKSRV_IO_BUF_OFFSET 0x80000000ull
#define UBLK_IO_BUF_BITS      25
#define UBLK_TAG_BITS	      16

static inline off_t ublk_copy_offset(unsigned queue, unsigned tag, unsigned skip_bytes)
{
	uint64_t slot = (uint64_t)queue << UBLK_TAG_BITS | tag;

	return (off_t)(UBLKSRV_IO_BUF_OFFSET + (slot << UBLK_IO_BUF_BITS) + skip_bytes);
}

/* UBLK_F_AUTO_BUF_REG: goes into the entry's `addr` with FETCH and COMMIT_AND_FETCH. With FALLBACK
 * a failed registration is told by UBLK_IO_F_NEED_REG_BUF instead of failing the request. */
#define UBLK_AUTO_BUF_REG_FALLBACK (1u << 0)

static inline uint64_t ublk_auto_buf_addr(uint16_t index, uint8_t flags)
{
	return index | (uint64_t)flags << 16;
}
