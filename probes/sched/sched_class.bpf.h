/* SPDX-License-Identifier: MIT */
/*
 * What a thread that leaves the CPU is about to wait for. Cheap tests come first.
 */
#pragma once

#include "probes/futexes.bpf.h"
#include "probes/sched/sched_task.bpf.h"

/* include/linux/sched.h */
#define TASK_UNINTERRUPTIBLE 0x2
#define TASK_STOPPED_TRACED  0xc
#define FILE_TYPE	     0170000
#define FILE_FIFO	     0010000
#define FILE_BLOCK	     0060000
#define FILE_PLAIN	     0100000
#define FILE_SOCKET	     0140000

/* What can be reached through typed pointers costs a load, anything else a call. */
static __always_inline u32 class_of_file(struct task_struct *task, u32 fd)
{
	struct fdtable *fdt = task->files->fdt;
	struct file *file = NULL;

	if (fd >= fdt->max_fds)
		return CLASS_OTHER;
	bpf_probe_read_kernel(&file, sizeof(file), fdt->fd + fd);
	switch (BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) {
	case FILE_SOCKET:
		return CLASS_SOCKET;
	case FILE_FIFO:
		return CLASS_PIPE;
	case FILE_PLAIN:
	case FILE_BLOCK:
		return CLASS_BLOCK;
	default:
		return CLASS_OTHER;
	}
}

/* Workers of io_uring: by what they work at; the poller of a submission queue has no work. */
static __always_inline u32 class_of_worker(struct task_struct *task)
{
	struct io_worker *worker = task->worker_private;
	struct io_wq_work *work;

	if (BPF_CORE_READ_BITFIELD(task, in_iowait))
		return CLASS_BLOCK;
	if (!(task->flags & PF_IO_WORKER))
		return CLASS_OTHER;
	work = worker ? BPF_CORE_READ(worker, cur_work) : NULL;
	if (!work)
		return CLASS_IDLE;
	return class_of_opcode(BPF_CORE_READ(
		(struct io_kiocb *)((void *)work - bpf_core_field_offset(struct io_kiocb, work)),
		opcode));
}

static __always_inline u32 class_of_call(struct thread *t, struct task_struct *task,
					 const struct pt_regs *regs, unsigned long state)
{
	bool io = BPF_CORE_READ_BITFIELD(task, in_iowait);
	u32 cls;

	/* Waiting for completions counts as waiting for I/O; it can be interrupted, a disk's
	 * cannot. */
	if (t->nr == __NR_io_uring_enter && !(state & TASK_UNINTERRUPTIBLE))
		return CLASS_CQ;
	if (io)
		return CLASS_BLOCK;
	if (t->nr == __NR_io_uring_enter)
		return CLASS_OTHER;
	cls = class_of_syscall(t->nr);
	if (cls == CLASS_FUTEX)
		t->futex_addr = t->nr == __NR_futex_waitv ? first_futex(first_argument(regs))
							  : first_argument(regs);
	return cls == CLASS_COUNT ? class_of_file(task, first_argument(regs)) : cls;
}

/* What a signal or task work interrupts goes on as restart_syscall(2), which finds the registers as
 * the call left them. So it is the call of the wait before when it was given the same. */
static __always_inline void note_call(struct thread *t, const struct pt_regs *regs)
{
	s32 nr = syscall_of(regs);
	u64 first = first_argument(regs);

	if (nr == __NR_restart_syscall && t->nr >= 0 && t->first_arg == first)
		return;
	t->nr = nr;
	t->first_arg = first;
}

/* Of the current thread, which blocks. Notes the system call as well. */
static __always_inline u32 class_of_wait(struct thread *t, struct task_struct *task,
					 unsigned long state)
{
	bool worker = task->flags & (PF_KTHREAD | PF_IO_WORKER);
	const struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (worker)
		t->nr = -1;
	else
		note_call(t, regs);
	if (t->in_lock)
		return CLASS_LOCK;
	if (worker)
		return class_of_worker(task);
	if (state & TASK_STOPPED_TRACED)
		return CLASS_OTHER;
	return class_of_call(t, task, regs, state);
}
