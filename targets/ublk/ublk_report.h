/* SPDX-License-Identifier: MIT */
/* What the counters of a ublk server come to, in a record. */
#pragma once

#include "harness/metric.h"
#include "harness/result.h"
#include "targets/ublk/ublk_server.h"

extern const struct metric ublk_metrics[];

void ublk_report(struct result *result, const struct ublk_setup *setup);

/* Over all threads and slices; `measured`: inside the window, or outside. */
struct ublk_thread_counts ublk_sum_threads(const struct ublk_setup *setup, bool measured);
struct ublk_queue_counts ublk_sum_queue(const struct ublk_setup *setup, unsigned queue,
					bool measured);
