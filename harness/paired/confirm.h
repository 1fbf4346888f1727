/* SPDX-License-Identifier: MIT */
/* Which counts that are not gated get fresh pairs, to say of them that they changed. */
#pragma once

#include <stdbool.h>

#include "harness/paired/judge.h"

/* Was it worse by what matters in all pairs of the first stage? A log is about what is gated: no.
 */
bool confirm_strikes(const struct judge *j, const struct judged_metric *m);

/* After the first stage: marks the cells whose counts are confirmed. */
void confirm_choose(struct judge *j);
