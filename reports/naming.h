/* SPDX-License-Identifier: MIT */
/*
 * Values as people write them. Records hold plain numbers (bytes, nanoseconds) and every knob;
 * which of them have a unit and which stand at their default is known from the axes and, where
 * this build has the workload and the target, from their knobs.
 */
#pragma once

#include "reports/summary.h"

struct registry;

/* Fills shown, known and plain of every field. `reg` may be NULL: then only the axes are known.
 * -ENOMEM. */
int naming_fill(struct summary *s, const struct registry *reg);
