/* SPDX-License-Identifier: MIT */
/* From an outcome to the line that is stored (results/README.md). */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct cell;
struct outcome;

struct record_head {
	const struct cell *cell;
	uint64_t repeat, order, seed;
	bool probed;
	cJSON *probes;	       /* the record takes it; NULL: {} */
	struct timespec start; /* CLOCK_REALTIME */
};

/* Takes the parts of the outcome's response that belong to a record; the outcome keeps the rest. */
cJSON *record_make(const struct record_head *head, struct outcome *o);

/* ISO 8601 UTC, with milliseconds. */
void record_time(const struct timespec *ts, char *text, size_t size);
