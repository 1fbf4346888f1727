/* SPDX-License-Identifier: MIT */
/*
 * What the history keeps of a folder, as JSON:
 *
 *	{id, kind: "run" or "gate", folder, started, uhbench, revision, machine, machine_says,
 *	 reference, warmup_ns, duration_ns, remark, yardsticks: {name: {version, ns, drift}},
 *	 cells: [{id, label, workload, target, rate}],
 *	 values: [{cell, metric, unit, better, runs, median, least, most}]}
 *
 * A run's values are medians over its repeats that were `ok` and not probed. A gate's are the head
 * over the base as the pairs have them, 1 being the same and more being worse, and `reference`
 * names that base ("" for a run): a series of gates against one pinned base is as steady as pairs
 * are; one whose control differs or could not be measured has none. `remark` says what was not as
 *it should be: "concurrent", "unfinished", both, or nothing.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "harness/util/err.h"

/* Has the folder a session with its runs, or a gate with its verdicts? One that was given up before
 * that says nothing. */
bool gather_is_one(const char *dir);

/* `folder`: its name in the history. -ENOENT when it is neither, -EBADMSG with file and line. */
int gather(const char *dir, const char *folder, cJSON **ret, struct err *err);

/* The parts; `into` gets all but folder. */
int gather_session(const char *dir, cJSON *into, struct err *err);
int gather_gate(const char *dir, cJSON *into, struct err *err);
/* Adds machine and machine_says; sessions of one machine key are one series. */
void gather_machine(cJSON *into, const cJSON *host);
/* Adds warmup_ns and duration_ns, 0 where the folder does not tell. */
void gather_windows(cJSON *into, const cJSON *from);
/* Adds a cell as the records have it; `label` may be NULL. */
void gather_cell(cJSON *cells, const cJSON *cell, const char *label);
/* A text below an object, "" where there is none. */
const char *gather_text(const cJSON *object, const char *key);
