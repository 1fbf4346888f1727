// SPDX-License-Identifier: MIT
/*
 * Watching costs in proportion to how long it lasts, so where watching all of the window would cost
 * more than is allowed, what is allowed of that is watched: but not so little that it tells
 * nothing, and not nearly all, which saves little and leaves a part unseen.
 */
#include "probes/cost_plan.h"

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define WATCH_MIN_NS ((double)(20 * NSEC_PER_MSEC)) /* less tells nothing */
/* Programs also slow down what is around them: caches that they take, locks that are held longer,
 * which is the worse the more of them run. On the reference machine, where 4 % of a CPU went into
 * programs and hooks a load lost 4 % of its throughput (wal/sync, one thread), with 6 % 9
 * (wal/uring-group, one thread) and with 13 % 24 (wal/sync, 32 threads), or 8 when a quarter of the
 * window was watched. */
#define SLOWDOWN 10

void cost_plan(double busy, double allowed, double length_ns, struct cost_plan *ret)
{
	double cost = busy * (1 + SLOWDOWN * busy), share = 1;

	if (cost > allowed && length_ns > WATCH_MIN_NS)
		share = max_of(allowed / cost, WATCH_MIN_NS / length_ns);
	*ret = (struct cost_plan){.predicted = cost, .share = share < SHARE_MOST ? share : 1};
}
