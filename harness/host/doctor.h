/* SPDX-License-Identifier: MIT */
/*
 * What this host offers to a benchmark. A report is JSON:
 *
 *   {groups: [{name, findings: [{name, state, value, cost?, remedy?}]}], not_fixed?: text}
 *
 *   state    "ok"       there, and good for measuring
 *            "warning"  there, but it costs something: `cost` says what
 *            "missing"  not there: `cost` says what cannot be done, `remedy` how to get it
 *            "unknown"  could not be found out: `value` says why
 *
 * Probing tries the real thing (a ring, a namespace, a BPF program) in a way that leaves nothing
 * behind; what could disturb the caller happens in a forked child.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "harness/util/err.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_MISSING, DOCTOR_UNKNOWN };

extern const char *const doctor_states[]; /* indexed by enum doctor_state */

struct prober_ops;
struct registry;

/*
 * Looks at everything; `dir` is where results would go. With `fix` what killed runs left on the
 * machine is removed. Takes about a second. NULL when out of memory.
 */
cJSON *doctor_examine(const char *dir, const struct registry *reg, bool fix);
/* What could not be removed; NULL when there is no such thing. */
const char *doctor_not_fixed(const cJSON *report);

/* For the probing modules. Adds a finding to a group's array and returns it. */
cJSON *doctor_add(cJSON *findings, const char *name, enum doctor_state state, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* What the lack costs, and how to get it (NULL: nothing can be done). */
void doctor_advise(cJSON *finding, const char *cost, const char *remedy);

/* Runs fn in a forked child and returns what it returned: 0 or -errno (|errno| < 128), or -ECHILD
 * when the child died in another way. */
int doctor_try(int (*fn)(void *arg), void *arg);

/* One for each group. */
void doctor_uring(cJSON *findings, const char *dir);
void doctor_bpf(cJSON *findings, const char *dir);
void doctor_tracing(cJSON *findings, const char *dir);
void doctor_isolation(cJSON *findings, const char *dir);
void doctor_limits(cJSON *findings, const char *dir);
void doctor_machine(cJSON *findings, const char *dir);
void doctor_tools(cJSON *findings, const char *dir);
/* What the targets say, and what their killed runs left; returns what could not be removed in err.
 */
int doctor_targets(cJSON *findings, const struct registry *reg, bool fix, struct err *err);
void doctor_probes(cJSON *findings, const struct prober_ops *prober);
