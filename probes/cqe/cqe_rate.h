/* SPDX-License-Identifier: MIT */
/* How many requests may be timed, and for how long programs may be attached at all, so that the
 * cost stays within the budget. */
#pragma once

#include <stdint.h>

/* What was seen during warm-up, of the CPU that was busiest with it. */
struct cqe_rate {
	double hits_per_s; /* runs of programs */
	double ns_per_hit; /* what one costs, hook included */
	double share;	   /* of time that may be spent: 0.05 */
};

struct cqe_plan {
	uint64_t every;		     /* time 1 request in so many */
	uint64_t slice_ns, pause_ns; /* 0, 0: always attached */
	double bare_share;	     /* what attached programs alone cost */
};

void cqe_plan(const struct cqe_rate *rate, struct cqe_plan *ret);
