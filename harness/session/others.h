/* SPDX-License-Identifier: MIT */
/*
 * What others had of the CPUs while a run was made, by the account of the parent, which is the same
 * for every build: /proc/stat less the run's cgroup and ourselves, sampled now and then and
 * interpolated at the ends of the window. Where the run has no cgroup there are two samples, around
 * all of it, and what it used is what its processes come to in getrusage(2).
 *
 *     others_begin -> others_tick ... -> others_end -> others_share
 */
#pragma once

#include <stdint.h>

#define OTHERS_SAMPLES 256

struct others_sample {
	uint64_t at_ns, busy_ns, steal_ns, own_ns;
};

struct others {
	struct others_sample samples[OTHERS_SAMPLES];
	unsigned n;
	uint64_t every_ns, due_ns;
	uint64_t children_ns; /* of ours that had ended before */
};

/* Of what all CPUs could have done; NAN: nobody knows. */
struct others_share {
	double steal, foreign;
};

/* Before the run has begun. */
void others_begin(struct others *o);
/* Takes a sample when its time has come. `cgroup`: the run's, "" for none. Returns how long from
 * `now` until the next one. */
uint64_t others_tick(struct others *o, const char *cgroup, uint64_t now);
/* The last one, of a run that has ended and is still in its cgroup. */
void others_last(struct others *o, const char *cgroup);
/* The run's processes were reaped. */
void others_end(struct others *o);
/* Between two times of CLOCK_MONOTONIC; of the whole run where it did not happen between them. */
struct others_share others_share(const struct others *o, uint64_t begin_ns, uint64_t end_ns);
