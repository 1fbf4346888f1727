/* SPDX-License-Identifier: MIT */
/*
 * What a thread waits for, as far as its system call tells. Calls on descriptors of any kind
 * (read, write, ...) are CLASS_COUNT here: the file's type decides. Shared by the programs and the
 * C side. Numbers are the architecture's (asm/unistd.h); only x86-64 has those of the old calls.
 */
#pragma once

#include <asm/unistd.h>
#include <linux/io_uring.h>
#include <stdint.h>

#include "probes/abi.h"

#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#ifndef __NR_futex_wait
#define __NR_futex_wait 455
#endif
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif

static inline __attribute__((always_inline)) uint32_t class_of_syscall(int32_t nr)
{
	switch (nr) {
	case __NR_futex:
	case __NR_futex_waitv:
	case __NR_futex_wait:
		return CLASS_FUTEX;
	case __NR_io_uring_enter:
		return CLASS_CQ;
	case __NR_fsync:
	case __NR_fdatasync:
	case __NR_sync_file_range:
	case __NR_syncfs:
	case __NR_sync:
	case __NR_msync:
	case __NR_fallocate:
	case __NR_ftruncate:
		return CLASS_BLOCK;
	case __NR_sendto:
	case __NR_recvfrom:
	case __NR_sendmsg:
	case __NR_recvmsg:
	case __NR_sendmmsg:
	case __NR_recvmmsg:
	case __NR_accept:
	case __NR_accept4:
	case __NR_connect:
		return CLASS_SOCKET;
#ifdef __NR_poll
	case __NR_poll:
	case __NR_select:
	case __NR_epoll_wait:
#endif
	case __NR_ppoll:
	case __NR_pselect6:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
		return CLASS_POLL;
	case __NR_nanosleep:
	case __NR_clock_nanosleep:
		return CLASS_SLEEP;
	case __NR_read:
	case __NR_write:
	case __NR_readv:
	case __NR_writev:
	case __NR_pread64:
	case __NR_pwrite64:
	case __NR_preadv:
	case __NR_pwritev:
	case __NR_preadv2:
	case __NR_pwritev2:
	case __NR_splice:
	case __NR_sendfile:
		return CLASS_COUNT;
	default:
		return CLASS_OTHER;
	}
}

/* The same for what a worker of io_uring does. */
static inline __attribute__((always_inline)) uint32_t class_of_opcode(uint32_t opcode)
{
	switch (opcode) {
	case IORING_OP_READV:
	case IORING_OP_WRITEV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_READ:
	case IORING_OP_WRITE:
	case IORING_OP_FSYNC:
	case IORING_OP_SYNC_FILE_RANGE:
	case IORING_OP_FALLOCATE:
		return CLASS_BLOCK;
	case IORING_OP_SENDMSG:
	case IORING_OP_RECVMSG:
	case IORING_OP_SEND:
	case IORING_OP_RECV:
	case IORING_OP_SEND_ZC:
	case IORING_OP_ACCEPT:
	case IORING_OP_CONNECT:
		return CLASS_SOCKET;
	case IORING_OP_POLL_ADD:
	case IORING_OP_EPOLL_CTL:
		return CLASS_POLL;
	default:
		return CLASS_OTHER;
	}
}
