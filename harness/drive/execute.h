/* SPDX-License-Identifier: MIT */
/*
 * The child's work: turns a request into a response by doing one run in this process (run.h draws
 * its life). Always gives a response: a run that cannot be done is one with another status.
 *
 * -EOPNOTSUPP from a plugin is `unsupported`, -EPERM and -EACCES from a set-up are `skipped` (this
 * user may not), everything else is `failed`.
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/registry.h"

cJSON *execute(const struct registry *reg, const cJSON *request);
