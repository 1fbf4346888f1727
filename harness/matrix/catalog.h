/* SPDX-License-Identifier: MIT */
/*
 * What this build can measure, told as JSON from the same rows that the parser reads. Sizes are
 * bytes, times nanoseconds.
 *
 *   knob      {name, type, default, min, max, choices, unit, help, fault}; `default_text` beside a
 *             size, rate or time: "64M"; null where there is none
 *   cpus      the last of the axes: type "cpus", `choices` are the roles it has keys for
 *   metric    {name, unit, better, help}
 *   catalog   {matrix: [knob], axes: [knob],
 *              workloads: [{name, help, operation, payload: {default, min, max} or null,
 *                           knobs: [knob], metrics: [metric]}],
 *              targets: [{workload, name, help, knobs: [knob], metrics: [metric]}],
 *              probes: [{name, help, needs}],   `needs`: the probe that comes with it, or null
 *              probe_knobs: [knob],             of all probes; left out where there are none
 *              metrics: [{name, unit, better, help, workload, target}]}   null: of all of them;
 *                                                                    one of several: "a, b"
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/registry.h"

/* NULL: out of memory. */
cJSON *catalog_make(const struct registry *reg);

/*
 * What is wrong with the tables themselves, for a test: defaults that do not parse, names that
 * collide, missing help texts, targets without a workload. 0, or -EINVAL with the first of them.
 */
int catalog_check(const struct registry *reg, struct err *err);
