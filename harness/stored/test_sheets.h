/* SPDX-License-Identifier: MIT */
/* Sheets that tests make, what the stored gate says of the last of them, and looks at that. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/exitcode.h"
#include "harness/stored/assess.h"
#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"

#define SESSIONS_MAX 40

static struct sheet sheets[SESSIONS_MAX];
static size_t n_sheets;

static inline int forget(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_sheets; i++)
		sheet_free(&sheets[i]);
	n_sheets = 0;
	return 0;
}

/* Five runs a session of two cells; `spin` is the yardstick, 0: none. */
static inline struct sheet *add_sheet(double a, double b, double spin, bool pinned)
{
	struct sheet *s = &sheets[n_sheets++];
	double values[] = {a, b};
	char text[700];

	assert_true(n_sheets <= SESSIONS_MAX);
	snprintf(text, sizeof(text),
		 "{\"schema\":1,\"session\":\"%016zx\",\"started\":\"%04zu\",\"pinned\":%s,"
		 "\"yardsticks\":{\"spin\":{\"version\":1,\"ns\":%g}}}",
		 n_sheets, n_sheets, pinned ? "true" : "false", spin);
	s->session = cJSON_Parse(text);
	s->cells = cJSON_CreateArray();
	for (int i = 0; i < 2; i++) {
		snprintf(
			text, sizeof(text),
			"{\"schema\":1,\"label\":\"cell %c\",\"cell\":{\"id\":\"%c\",\"workload\":"
			"\"w\",\"target\":\"t\"},\"order\":[0,1,2,3,4],\"operations\":[100,100,100,100,100],\"metrics\":{"
			"\"throughput\":{\"unit\":\"1/s\",\"better\":\"higher\",\"values\":[%.17g,%.17g,%.17g,%.17g,%.17g]}"
			"},\"counts\":{}}",
			'a' + i, 'a' + i, values[i], values[i], values[i], values[i], values[i]);
		cJSON_AddItemToArray(s->cells, cJSON_Parse(text));
	}
	assert_non_null(s->session);
	assert_int_equal(cJSON_GetArraySize(s->cells), 2);
	return s;
}

/* About 1 % between sessions. */
static inline void add_base(size_t n, double scale, bool pinned)
{
	static const double off[] = {0.99, 1.01, 1, 1.012, 0.988, 1.005, 0.995};

	for (size_t i = 0; i < n; i++)
		add_sheet(1000 * scale * off[i % array_size(off)],
			  500 * scale * off[(i + 3) % array_size(off)], 100, pinned);
}

/* The last sheet against those before. */
static inline cJSON *judged(const char *advice)
{
	struct assess j = {.registry = &test_registry,
			   .base = {"base", true, sheets, n_sheets - 1},
			   .head = {"head", false, &sheets[n_sheets - 1], 1},
			   .alpha = STORED_ALPHA,
			   .advice = advice};
	cJSON *verdicts = NULL;
	struct err err;

	assert_int_equal(assess_verdicts(&j, &verdicts, &err), 0);
	return verdicts;
}

static inline const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static inline const cJSON *row_of(const cJSON *verdicts, const char *cell)
{
	const cJSON *c;

	cJSON_ArrayForEach (c, at(verdicts, "cells"))
		if (!strcmp(cJSON_GetStringValue(at(c, "cell")), cell))
			return cJSON_GetArrayItem(at(c, "metrics"), 0);
	fail_msg("no cell %s", cell);
	return NULL;
}

static inline void expect(const cJSON *verdicts, const char *verdict, enum exitcode code)
{
	if (strcmp(cJSON_GetStringValue(at(verdicts, "verdict")), verdict))
		fail_msg("%s, not %s", cJSON_GetStringValue(at(verdicts, "line")), verdict);
	assert_int_equal(cJSON_GetNumberValue(at(verdicts, "exit_code")), code);
}

static inline void expect_row(const cJSON *verdicts, const char *cell, const char *verdict)
{
	assert_string_equal(cJSON_GetStringValue(at(row_of(verdicts, cell), "verdict")), verdict);
}
