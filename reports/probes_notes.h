/* SPDX-License-Identifier: MIT */
/* What a reader must know of a probed run before believing what its probes say. */
#pragma once

#include <cjson/cJSON.h>

/* Calls `add` for a probe that was not ok, one that lost events or had a full table, and a role
 * whose classes of time do not come to its wall time within 5 %. Stops at the first error of `add`.
 */
int probes_notes(const cJSON *probes, int (*add)(void *arg, const char *text), void *arg);
