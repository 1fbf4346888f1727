/* SPDX-License-Identifier: MIT */
/* Shapes that the programs of the probe `cqe` and its C side share. */
#pragma once

#include <stdint.h>

#include "probes/abi.h"

#define RINGS_MAX    256 /* per run; number 0 is nobody's */
#define RING_SETS    256 /* of RING_WAYS rings by address */
#define RING_WAYS    4
#define OPS_MAX	     1024 /* pairs of ring and opcode; number 0 is nobody's */
#define FLIGHT_SETS  16384
#define FLIGHT_WAYS  4	 /* 16 bytes each: a set is a cache line */
#define REAP_MAX     512 /* completions of a ring that wait for being taken */
#define HIST_OPS     8	 /* opcodes with full histograms: 18 KiB for each, kind and CPU */
#define FAILURES_MAX 1024

#define OPCODES	   128
#define OP_NOTIF   125 /* "the buffer is yours again" of a zero-copy send */
#define OP_UNKNOWN 126 /* its request is not told: a CQE that overflowed */
#define OP_POSTED  127 /* beside a request: multishot, messages between rings */

enum cqe_hist { CQE_COMPLETE, CQE_REAP, CQE_TOTAL, CQE_HISTS };
#define HISTS_MAX (HIST_OPS * CQE_HISTS)

#define RING_BEYOND  0xfffffffeu /* ours, without room for it */
#define RING_FOREIGN 0xffffffffu

/* Rings by address. An address can be another ring's later: `create` then gives a new number. */
struct cqe_ring_set {
	struct {
		uint64_t ctx;
		uint32_t ring, pad;
	} way[RING_WAYS];
};

/* Requests in flight by address. The topmost byte of a kernel address is all ones: the opcode is
 * there instead. `times`: see cqe_flight.bpf.h; 0: it is not timed. */
struct cqe_flight_set {
	struct {
		uint64_t key, times;
	} way[FLIGHT_WAYS];
};

struct cqe_reap {
	uint64_t queued_ns, complete_ns; /* queued_ns 0: unknown */
	uint32_t index;			 /* of its CQE, free-running */
	uint32_t op;
};

/* Counts are of the window. Submitting is serialised by the kernel's uring_lock, posting CQEs by
 * its completion lock, taking them from `reap` by `reaping`: nothing here needs atomics but what
 * `wait` counts. */
struct cqe_ring {
	uint32_t id, role, role_known;
	uint32_t sq_entries, cq_entries; /* 0: unknown */
	uint32_t skip, random;		 /* until the next sample */
	uint32_t last_posted;		 /* the CQE that was told of last is in `reap` */
	/* Entries up to batch_end were in the submission queue at batch_ns (0: nobody needs it). */
	uint64_t batch_ns;
	uint32_t batch_end, pad;
	uint64_t waits, overflows;
	uint32_t reap_head, reap_tail, reaping, pad2;
	/* In slices: the ring's own counts of entries taken and posted, seen from first_ns to
	 * last_ns, across the pauses. */
	uint64_t first_ns, last_ns, taken, posted;
	uint32_t last_head, last_tail;
	uint32_t op[OPCODES];
	struct cqe_reap reap[REAP_MAX];
};

struct cqe_op {
	uint32_t ring, opcode;
	uint64_t submitted, punts;
	uint64_t completed; /* same cache line as what only completing writes */
	uint64_t failed;    /* of them */
	struct tally complete, reap;
};

struct cqe_failure {
	uint32_t op;
	int32_t error;
};

struct cqe_cpu {
	uint64_t address;
	uint64_t jiffies, ns;
};

/* One of it; the C side reads and writes it while the programs run. */
struct cqe_shared {
	/* written by the C side */
	uint32_t every;	   /* time 1 request in so many */
	uint32_t gate;	   /* 0: count nothing */
	uint32_t sliced;   /* follow the rings' own counts */
	uint64_t epoch_ns; /* what began before is forgotten */
	/* written by the programs */
	uint32_t rings, ops, hists, more_rings;
	uint64_t map_full, untracked;
	uint32_t hist_of[OPCODES]; /* 1 + number of its histograms, 0: none yet */
	/* Old kernels tell of a CQE before they look for room, new ones after: seen so far. */
	uint32_t before_room;
};
