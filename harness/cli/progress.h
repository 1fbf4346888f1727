/* SPDX-License-Identifier: MIT */
/*
 * How far a session is, on stderr: one line that is rewritten on a terminal, a line for each run in
 * a log. The estimate of the time left takes the mean of the runs so far.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cell;
struct outcome;

struct progress {
	bool terminal;
	uint64_t started_ns;
	uint64_t expected_run_ns; /* before there is a mean */
};

void progress_init(struct progress *p, uint64_t expected_run_ns);
void progress_begins(void *progress, const struct cell *cell, bool probed, uint64_t done,
		     uint64_t todo);
void progress_ended(void *progress, const struct cell *cell, bool probed, const struct outcome *o,
		    uint64_t done, uint64_t todo);
/* Ends the line that is being rewritten. */
void progress_finish(struct progress *p);
