/* SPDX-License-Identifier: MIT */
/*
 * A registry for tests of the matrix: workload "log" (payload 4096, 64 to 1 MiB) with targets
 * "plain" and "group", whose knobs are of every type; workload "void" (no payload) with a target
 * "null" that has no knobs and runs programs; the prober of test_prober.h.
 */
#pragma once

#include "harness/registry.h"

extern const struct registry test_registry;
