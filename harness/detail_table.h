/* SPDX-License-Identifier: MIT */
/* Builds the tables of a record's `detail` (results/README.md), for result_detail(). */
#pragma once

#include <cjson/cJSON.h>

/* No rows, no columns yet; `says` may be NULL. */
cJSON *detail_table(const char *title, const char *says);
/* The next one to the right. A NULL unit stands for a column of texts; `says` may be NULL. */
void detail_column(cJSON *table, const char *name, const char *unit, const char *says);
/* A new row at the end: an array that takes as many values as there are columns. */
cJSON *detail_row(cJSON *table);
