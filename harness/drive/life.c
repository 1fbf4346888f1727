// SPDX-License-Identifier: MIT
/*
 * Beginning and end of a run's life, in the order of run.h. Whatever fails, teardown is safe, and
 * the reason that was found first is the one that is told.
 */
#include "harness/drive/life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/drive/roles.h"
#include "harness/target.h"
#include "harness/workload.h"

#define PAGE 4096ul

static void lane_free(struct lane *lane)
{
	if (lane->bufs)
		munmap(lane->bufs, lane->buf_stride * lane->depth);
	free(lane->ops);
}

static int lane_make(struct run *run, struct lane *lane, unsigned index)
{
	uint64_t payload = run->axes->payload;

	lane->index = index;
	lane->run = run;
	lane->depth = (unsigned)run->axes->depth;
	lane->batch = (unsigned)run->axes->batch;
	lane->ops = aligned_alloc(64, lane->depth * sizeof(struct op));
	if (!lane->ops)
		return -ENOMEM;
	memset(lane->ops, 0, lane->depth * sizeof(struct op));
	if (payload) {
		lane->buf_stride = (payload + PAGE - 1) & ~(PAGE - 1);
		lane->bufs = mmap(NULL, lane->buf_stride * lane->depth, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (lane->bufs == MAP_FAILED) {
			lane->bufs = NULL;
			return -ENOMEM;
		}
	}
	for (unsigned i = 0; i < lane->depth; i++) {
		lane->ops[i].slot = i;
		lane->ops[i].cap = lane->ops[i].len = (uint32_t)payload;
		lane->ops[i].data = payload ? (char *)lane->bufs + i * lane->buf_stride : NULL;
	}
	return 0;
}

int life_make_lanes(struct run *run)
{
	run->roles = roles_new();
	run->lanes = calloc(run->axes->threads, sizeof(*run->lanes));
	if (!run->roles || !run->lanes)
		return err_sys(&run->err, -ENOMEM, "lanes");
	for (unsigned i = 0; i < run->axes->threads; i++) {
		int r = lane_make(run, &run->lanes[i], i);

		if (r)
			return err_sys(&run->err, r, "buffers of lane %u: %llu of %llu bytes", i,
				       (unsigned long long)run->axes->depth,
				       (unsigned long long)run->axes->payload);
	}
	return 0;
}

void life_free_lanes(struct run *run)
{
	for (unsigned i = 0; run->lanes && i < run->axes->threads; i++)
		lane_free(&run->lanes[i]);
	free(run->lanes);
	roles_free(run->roles);
}

int life_call(int (*fn)(struct run *), struct run *run, const char *what)
{
	int r = fn ? fn(run) : 0;

	if (r < 0 && !run->err.text[0])
		err_sys(&run->err, r, "%s", what);
	return r;
}

int life_set_up(struct run *run)
{
	const struct cell *cell = run->cell;
	int r = life_call(cell->target->supported, run, "target");

	if (!r)
		r = life_call(cell->workload->setup, run, "set-up of the workload");
	if (!r)
		r = life_call(cell->target->setup, run, "set-up of the target");
	return r;
}

void life_tear_down(struct run *run)
{
	const struct cell *cell = run->cell;

	for (unsigned i = 0; cell->workload->lane_close && i < run->axes->threads; i++)
		cell->workload->lane_close(&run->lanes[i]);
	if (cell->target->teardown)
		cell->target->teardown(run);
	if (cell->workload->teardown)
		cell->workload->teardown(run);
}
