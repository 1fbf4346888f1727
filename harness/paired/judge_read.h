/* SPDX-License-Identifier: MIT */
/* Reading the parts of gate.json and of a line of pairs.jsonl; belongs to judge.c. Everything that
 * is missing or of another type is -EBADMSG with its place. */
#pragma once

#include "harness/paired/judge.h"

/* A line: pointers are into the JSON. */
struct pair {
	const char *cell;
	bool control;
	double seconds;
	int discarded;		     /* a side, or both; -1: not */
	int failed;		     /* the same */
	const char *status, *reason; /* when failed */
	const cJSON *sides[SIDES];
};

/* Parameters and cells into a zeroed judge, without gates. */
int judge_read(struct judge *j, const char *place, struct err *err);
int pair_read(const cJSON *json, const char *place, struct pair *ret, struct err *err);

/* Of one side of a pair. */
enum value { VALUE_THERE, VALUE_NULL, VALUE_ABSENT };
enum value pair_value(const cJSON *side, const struct judged_metric *m, double *ret);
/* Why it has no value; NULL: nobody said. */
const char *pair_reason(const cJSON *side, const struct judged_metric *m);
double pair_operations(const cJSON *side);
/* On d's scale, of the metric's two values in the pair. NAN: there is none. */
double pair_effect(const struct judged_metric *m, const struct pair *p, const double v[SIDES]);
