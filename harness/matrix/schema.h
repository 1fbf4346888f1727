/* SPDX-License-Identifier: MIT */
/*
 * JSON Schema (draft 2020-12) of matrix.json, made from the tables: editors complete and check with
 * it. It accepts whatever matrix_load accepts, and refuses all that can be said without arithmetic
 * over several values (batch against depth, the number of runs, a plugin's own check_cell).
 */
#pragma once

#include <cjson/cJSON.h>

#include "harness/registry.h"

cJSON *schema_make(const struct registry *reg);
