/* SPDX-License-Identifier: MIT */
/*
 * The few kernel structures that the programs read, with only the fields that they use. Offsets
 * are put in at load time from the running kernel's BTF (CO-RE: preserve_access_index), so neither
 * order nor size mean anything here. Names are the kernel's: include/linux/sched.h, fs.h,
 * fdtable.h, io_uring_types.h, blk-mq.h; io_uring/io-wq.c; arch/x86/include/asm/ptrace.h.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#ifndef UHBENCH_NO_CORE
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct {
	unsigned int __state;
	unsigned int flags;
	int pid, tgid;
	char comm[16];
	unsigned in_iowait : 1;
	u64 utime, stime;
	void *stack;
	void *worker_private;
	struct files_struct *files;
};

struct io_wq_work {
	unsigned int flags;
};

/* io_uring/io-wq.c */
struct io_worker {
	struct io_wq_work *cur_work;
};

struct io_uring {
	u32 head, tail;
};

struct io_rings {
	struct io_uring sq, cq;
};

struct io_ring_ctx {
	struct io_rings *rings;
	unsigned int sq_entries, cq_entries;
	unsigned int cached_sq_head, cached_cq_tail;
};

/* Flavours: programs that need <linux/io_uring.h> have the names from there. */
struct io_uring_sqe___kernel {
	u8 opcode;
};

struct io_uring_cqe___kernel {
	s32 res;
	u32 flags;
};

struct io_kiocb {
	u8 opcode;
	struct io_ring_ctx *ctx;
	struct io_wq_work work;
};

struct gendisk {
	int major, first_minor;
};

struct request_queue {
	struct gendisk *disk;
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags, __data_len;
};

#ifdef __TARGET_ARCH_x86
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
#else /* arm64 */
struct pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
	u64 orig_x0;
	s32 syscallno;
};
#endif

#ifndef UHBENCH_NO_CORE
#pragma clang attribute pop
#endif

/* Not read through a pointer of the kernel's: layout as it is. */
struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

/* include/uapi/linux/bpf.h, what bpf_helper_defs.h leaves to us */
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
enum { BPF_F_MMAPABLE = 1u << 10, BPF_F_NO_PREALLOC = 1u << 0 };
enum { BPF_F_USER_STACK = 1u << 8 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum bpf_map_type_used {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#endif
