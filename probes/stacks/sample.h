/* SPDX-License-Identifier: MIT */
/*
 * Samples of waits: what the programs put into the ring buffer and probes/stacks/stacks.c reads. A
 * waiter is sampled when it leaves the CPU and its last wait of that class was long (or there was
 * none yet), since user memory can only be read in the thread's own context; how long this wait
 * became is noted afterwards under the sample's number. A waker is sampled when it ends a long
 * wait.
 *
 * Samples are spread evenly over the window, for every kind and class apart, so that a busy class
 * does not push out a rare one and the end of the window is seen as well as its beginning. In a
 * window whose end nobody knows they become ever rarer, by a share of what is behind.
 */
#pragma once

#include <stdint.h>

#include "probes/abi.h"

#define SAMPLES_MAX	  896 /* in a run; fits the ring buffer without being drained */
#define SAMPLES_PER_CLASS 128 /* of a kind; their distance is the window over this */
#define SAMPLES_DOUBLING  16  /* or: each 1/16 of the time since the window began, at least ... */
#define SAMPLE_NEXT_NS	  1000000
#define SAMPLE_RING_BYTES (16u << 20)
#define SAMPLE_WAITS	  1024 /* elements of sample_waits; index is the sample's number */
#define SAMPLE_KERNEL	  32   /* frames */
#define SAMPLE_REGS	  34   /* words; x86-64 has 21 */
#define SAMPLE_PIECE	  1024 /* copied at once; aligned, so that none crosses a page */
#define SAMPLE_STACK_MAX  16384

enum sample_kind { SAMPLE_WAITER, SAMPLE_WAKER, SAMPLE_KINDS };

struct sample {
	uint64_t seq; /* from 1 */
	uint64_t time_ns;
	uint64_t wait_ns;			 /* WAKER only; of a waiter it is in sample_waits */
	uint64_t address;			 /* of the futex that is waited for; 0: none */
	uint32_t kind;				 /* enum sample_kind */
	uint32_t tid, tgid;			 /* whose stacks these are */
	uint32_t role;				 /* enum probe_role, of tid */
	uint32_t wait_tid, wait_tgid, wait_role; /* who waits; the same in a waiter's sample */
	uint32_t cls;				 /* enum time_class of the wait */
	int32_t nr;				 /* system call of the wait; -1: none */
	uint32_t n_kernel;			 /* frames in `kernel` */
	uint32_t user_bytes; /* copied to `stack`; 0: no user stack (registers neither) */
	uint32_t pad;
	uint64_t stack_base;	    /* address of stack[0]: the stack pointer, aligned down */
	uint64_t regs[SAMPLE_REGS]; /* the kernel's struct pt_regs, as it is */
	uint64_t kernel[SAMPLE_KERNEL];
	uint8_t stack[SAMPLE_STACK_MAX];
};

/* One element, mmapable; zeroed before each run. */
struct sample_state {
	uint64_t seq;	    /* last number given; beyond SAMPLES_MAX: not taken */
	uint64_t ring_full; /* not taken for want of room */
	uint64_t next_ns[SAMPLE_KINDS][CLASS_COUNT]; /* not before */
};
