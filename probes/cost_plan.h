/* SPDX-License-Identifier: MIT */
/* How much of the window may be watched, so that what all probes cost stays within probe_cost. */
#pragma once

#define SHARE_MOST \
	0.65 /* less is not worth it; a probe that samples up to probe_cost stays above */

struct cost_plan {
	double predicted; /* what watching all of the window costs, of a CPU's time */
	double share;	  /* of the window, from its begin, that is watched */
};

/* `busy`: what programs and hooks take of the CPU on which they take most; `allowed`: of it, too.
 */
void cost_plan(double busy, double allowed, double length_ns, struct cost_plan *ret);
