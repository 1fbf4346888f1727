// SPDX-License-Identifier: MIT
/*
 * Where attached programs cost more than they may even when they look at nothing, links come and
 * go inside the window: nothing else makes the cost of a hook go away. A slice begins when all
 * programs are attached (the gate opens) and ends before the first is detached, so its length is
 * exact. Pauses are of random length, so that no rhythm of the load is met again and again.
 */
#include <stdio.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "probes/cqe/cqe_impl.h"

#define FIRST_WITHIN 4 /* the first slice begins in this part of the window */

static uint32_t next_random(struct cqe *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 17;
	c->random ^= c->random << 5;
	return c->random;
}

/* What every request meets. The others cost nothing while nothing happens, and attaching one takes
 * 0.1 ms, in which those that are attached already cost and do not count. Who sees completions
 * comes last: of few of them the submission has not been seen then. */
static const char *const comings_and_goings[] = {"cqring_wait", "submit_sqe", "submit_req",
						 "complete_old", "complete"};

static void begin_slice(struct cqe *c)
{
	struct err err = {""};

	c->shared->epoch_ns = nsec_now();
	for (unsigned i = 0; i < array_size(comings_and_goings); i++)
		if (part_attach_one(&c->part, comings_and_goings[i], &err))
			snprintf(c->why, sizeof(c->why), "a slice failed: %.60s", err.text);
	c->slice_begin_ns = nsec_now();
	c->until_ns = c->slice_begin_ns + c->slice_ns;
	__atomic_store_n(&c->shared->gate, 1, __ATOMIC_SEQ_CST);
}

uint64_t cqe_slice_covered(const struct cqe *c, uint64_t now_ns)
{
	const struct probe_window *w = track_window(c->env->track);
	uint64_t begin, end;

	if (!c->slice_begin_ns)
		return c->covered_ns;
	begin = max_of(c->slice_begin_ns, w->begin_ns);
	end = min_of(now_ns, w->end_ns);
	return c->covered_ns + (end > begin ? end - begin : 0);
}

void cqe_slice_pause(struct cqe *c)
{
	__atomic_store_n(&c->shared->gate, 0, __ATOMIC_SEQ_CST);
	if (c->slice_begin_ns)
		c->covered_ns = cqe_slice_covered(c, nsec_now());
	c->slice_begin_ns = 0;
	for (unsigned i = 0; i < array_size(comings_and_goings); i++)
		part_detach_one(&c->part, comings_and_goings[i]);
	c->until_ns = nsec_now() + c->pause_ns / 2 +
		      (uint64_t)((double)c->pause_ns * next_random(c) / UINT32_MAX);
}

/* The window may have been cut short since the first pause was planned: there is a slice in it,
 * too.
 */
static void hurry(struct cqe *c)
{
	const struct probe_window *w = track_window(c->env->track);

	if (!c->slice_begin_ns && !c->covered_ns)
		c->until_ns =
			min_of(c->until_ns, w->begin_ns + (w->end_ns - w->begin_ns) / FIRST_WITHIN);
}

uint64_t cqe_slice_tick(struct cqe *c, uint64_t now_ns)
{
	if (!c->slice_ns)
		return NSEC_PER_SEC;
	hurry(c);
	if (now_ns < c->until_ns)
		return c->until_ns - now_ns;
	if (c->slice_begin_ns)
		cqe_slice_pause(c);
	else
		begin_slice(c);
	now_ns = nsec_now();
	return c->until_ns > now_ns ? c->until_ns - now_ns : 0;
}
