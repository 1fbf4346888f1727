// SPDX-License-Identifier: MIT
/*
 * What is spent on a run of a program is compared with the time between two of them without the
 * program: with t between and c for it, c / (t + c) of the CPU goes to the probe. Some of c is for
 * timing a request and falls with sampling; the rest is there as long as the program is attached.
 * Where that alone is too much, programs are attached in short slices only.
 */
#include "probes/cqe/cqe_rate.h"

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

/* Of a run that times nothing, hook included; what measuring a run adds, which ends with the
 * warm-up. Both measured on the reference machine. */
#define BARE_NS	     100.0
#define STATS_NS     80.0
#define BETWEEN_MIN  5.0
#define EVERY_MAX    256
#define SLICED_EVERY 16
#define SLICE_NS     (4 * NSEC_PER_MSEC)
#define PAUSE_MAX_NS (400 * NSEC_PER_MSEC)

void cqe_plan(const struct cqe_rate *rate, struct cqe_plan *ret)
{
	double cost = rate->ns_per_hit, bare = min_of(cost, BARE_NS);
	double between, allowed, every = 1, on;

	*ret = (struct cqe_plan){.every = 1};
	if (rate->hits_per_s <= 0)
		return;
	between = (double)NSEC_PER_SEC / rate->hits_per_s - cost - STATS_NS;
	between = max_of(between, BETWEEN_MIN);
	allowed = between * rate->share / (1 - min_of(rate->share, 0.99));
	ret->bare_share = bare / (between + bare);
	if (cost <= allowed)
		return;
	if (bare < allowed)
		every = (cost - bare) / (allowed - bare) + 1;
	if (bare < allowed && every <= EVERY_MAX) {
		ret->every = (uint64_t)every;
		return;
	}
	on = min_of(rate->share / ret->bare_share, 0.5);
	ret->every = SLICED_EVERY;
	ret->slice_ns = SLICE_NS;
	ret->pause_ns = (uint64_t)min_of(SLICE_NS * (1 - on) / on, (double)PAUSE_MAX_NS);
}
