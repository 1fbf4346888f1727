// SPDX-License-Identifier: MIT
/*
 * uhbench selftest gate: puts the gate's promises to many simulated gates and prints what came out
 * beside the bars. Nothing is measured, and nothing of this machine is in the result: the same
 * seed gives the same table. The figures are harness/gate/campaign.h's; here they are told.
 */
#include "harness/cli/verbs.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness/gate/campaign.h"
#include "harness/util/cleanup.h"

#define SHORT_GATES   300 /* the fewest that can show 1 %: none in 299 */
#define GATES_MAX     1000000
#define CELLS_MAX     10000
#define THREADS_MAX   1024
#define TITLE_WIDTH   46
#define BAR_WIDTH     8
#define ANSWER_WIDTH  25
#define OUTPUT_SCHEMA 1

struct selftest_options {
	uint64_t gates, cells, seed, threads;
	const char *class;
	bool json, brief;
};

/* As the row's figures are written: minutes, or percent with digits that a few hundred gates fill.
 */
static const char *figure(const struct campaign_row *row, double v, char buf[static 32])
{
	bool minutes = row->unit == CAMPAIGN_MINUTES;
	double shown = minutes ? v : 100 * v;

	snprintf(buf, 32, "%.*f", !minutes && shown > 0 && shown < 9.995 ? 2 : 1, shown);
	return buf;
}

static void print_bar(const struct campaign_row *row)
{
	char text[64] = "";

	if (isfinite(row->bar_low) && isfinite(row->bar_high))
		snprintf(text, sizeof(text), "%g-%g", 100 * row->bar_low, 100 * row->bar_high);
	else if (isfinite(row->bar_low))
		snprintf(text, sizeof(text), ">= %g", 100 * row->bar_low);
	else if (isfinite(row->bar_high))
		snprintf(text, sizeof(text), "<= %g",
			 row->unit == CAMPAIGN_MINUTES ? row->bar_high : 100 * row->bar_high);
	printf("%-*s", BAR_WIDTH, text);
}

/* "0.17 (0.01..0.79) ok" */
static void print_answer(const struct campaign_row *row, bool last)
{
	char value[32], low[32], high[32], text[128];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", figure(row, row->value, value));

	if (row->high > row->low)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " (%s..%s)",
				      figure(row, row->low, low), figure(row, row->high, high));
	if (row->state != CAMPAIGN_NO_BAR)
		snprintf(text + n, sizeof(text) - n, " %s", campaign_state_names[row->state]);
	else if (row->exempt)
		snprintf(text + n, sizeof(text) - n, " exempt");
	printf("  %-*s", last ? 0 : ANSWER_WIDTH, text);
}

/* The rows of one question: the bar is that of whichever class has one. */
static void print_question(const struct campaign_row *rows, size_t classes)
{
	const struct campaign_row *barred = rows;

	for (size_t i = 1; i < classes; i++)
		if (barred->state == CAMPAIGN_NO_BAR)
			barred = &rows[i];
	printf("  %-*s", TITLE_WIDTH, rows->title);
	print_bar(barred);
	for (size_t i = 0; i < classes; i++)
		print_answer(&rows[i], i + 1 == classes);
	putchar('\n');
}

static void print_design(const struct campaign_row *rows, size_t classes)
{
	printf("\n%-*s%-*s", TITLE_WIDTH + 2, rows->design, BAR_WIDTH, "bar");
	for (size_t i = 0; i < classes; i++)
		printf("  %-*s", i + 1 == classes ? 0 : ANSWER_WIDTH, rows[i].class->name);
	putchar('\n');
}

static size_t count_state(const struct campaign_row *rows, size_t n, enum campaign_state state)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += rows[i].state == state;
	return found;
}

/* Where a bar is not for all classes: for which it is not, and why. */
static void print_exempt(const struct campaign_row *rows, size_t n)
{
	const struct campaign_row *before = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!rows[i].exempt)
			continue;
		if (!before)
			puts("\nexempt from a bar");
		if (before && before->title == rows[i].title)
			printf(" and %s", rows[i].class->name);
		else
			printf("%s  %s: %s: %s", before ? "\n" : "", rows[i].title, rows[i].exempt,
			       rows[i].class->name);
		before = &rows[i];
	}
	if (before)
		putchar('\n');
}

static void print_verdict(const struct campaign_row *rows, size_t n)
{
	size_t ok = count_state(rows, n, CAMPAIGN_OK), few = count_state(rows, n, CAMPAIGN_FEW);
	size_t missed = count_state(rows, n, CAMPAIGN_MISSED);

	printf("\n%zu of %zu bars hold", ok, ok + few + missed);
	if (missed)
		printf(", %zu missed", missed);
	if (few)
		printf(", %zu need more gates to tell", few);
	putchar('\n');
}

static void print_text(const struct campaign *c, const struct campaign_row *rows, size_t n)
{
	size_t classes = 1;

	while (classes < n && rows[classes].title == rows->title)
		classes++;
	printf("%zu simulated gates of %zu cells for each answer, seed %" PRIu64
	       "; in brackets one-sided bounds of %g %% each\n",
	       c->gates, c->cells, c->seed, 100 * CAMPAIGN_LEVEL);
	for (size_t i = 0; i < n; i += classes) {
		if (i == 0 || strcmp(rows[i].design, rows[i - 1].design))
			print_design(&rows[i], classes);
		print_question(&rows[i], classes);
	}
	print_exempt(rows, n);
	print_verdict(rows, n);
}

static void add_number(cJSON *o, const char *key, double v)
{
	if (isfinite(v))
		cJSON_AddNumberToObject(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

static cJSON *row_json(const struct campaign_row *row)
{
	static const char *const units[] = {"share", "minutes", "effect"};
	cJSON *o = cJSON_CreateObject(), *bar = cJSON_AddArrayToObject(o, "bar");

	cJSON_AddStringToObject(o, "design", row->design);
	cJSON_AddStringToObject(o, "title", row->title);
	cJSON_AddStringToObject(o, "class", row->class->name);
	cJSON_AddStringToObject(o, "unit", units[row->unit]);
	add_number(o, "value", row->value);
	add_number(o, "low", row->low);
	add_number(o, "high", row->high);
	add_number(o, "gates", (double)row->gates);
	cJSON_AddItemToArray(bar, isfinite(row->bar_low) ? cJSON_CreateNumber(row->bar_low)
							 : cJSON_CreateNull());
	cJSON_AddItemToArray(bar, isfinite(row->bar_high) ? cJSON_CreateNumber(row->bar_high)
							  : cJSON_CreateNull());
	cJSON_AddStringToObject(o, "state", campaign_state_names[row->state]);
	cJSON_AddItemToObject(o, "exempt",
			      row->exempt ? cJSON_CreateString(row->exempt) : cJSON_CreateNull());
	return o;
}

static int print_json(const struct campaign *c, const struct campaign_row *rows, size_t n)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	char seed[32];
	cJSON *list;

	snprintf(seed, sizeof(seed), "%" PRIu64, c->seed);
	cJSON_AddNumberToObject(o, "schema", OUTPUT_SCHEMA);
	cJSON_AddNumberToObject(o, "gates", (double)c->gates);
	cJSON_AddNumberToObject(o, "cells", (double)c->cells);
	cJSON_AddStringToObject(o, "seed", seed);
	cJSON_AddNumberToObject(o, "level", CAMPAIGN_LEVEL);
	cJSON_AddStringToObject(o, "state", campaign_state_names[campaign_judge(rows, n)]);
	list = cJSON_AddArrayToObject(o, "rows");
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, row_json(&rows[i]));
	return verb_print_json(o);
}

static void tell_progress(void *priv, size_t done, size_t all)
{
	(void)priv;
	fprintf(stderr, "\r%zu of %zu\r", done, all);
}

static int selftest_gate(const struct selftest_options *o)
{
	struct campaign c = {.gates = o->gates,
			     .cells = o->cells,
			     .seed = o->seed,
			     .threads = (unsigned)o->threads,
			     .only = noise_class_find(o->class),
			     .brief = o->brief,
			     .tell = isatty(STDERR_FILENO) ? tell_progress : NULL};
	_cleanup_free_ struct campaign_row *rows = NULL;
	struct err err;
	size_t n;

	if (c.gates == 0)
		c.gates = o->brief ? SHORT_GATES : CAMPAIGN_GATES;
	if (c.threads == 0)
		c.threads = (unsigned)max_of(sysconf(_SC_NPROCESSORS_ONLN), 1l);
	if (campaign_run(&c, &rows, &n, &err) < 0)
		return verb_fail(EXITCODE_FAILURE, "selftest: %s", err.text);
	if (!o->json)
		print_text(&c, rows, n);
	else if (print_json(&c, rows, n))
		return EXITCODE_FAILURE;
	switch (campaign_judge(rows, n)) {
	case CAMPAIGN_MISSED:
		return EXITCODE_REGRESSION;
	case CAMPAIGN_FEW:
		return EXITCODE_INCONCLUSIVE;
	default:
		return EXITCODE_OK;
	}
}

static const char *const class_choices[] = {"quiet", "ci", "hostile", "all", NULL};

static const struct option_row selftest_rows[] = {
	{.name = "gates",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct selftest_options, gates),
	 .min = 2,
	 .max = GATES_MAX,
	 .help = "gates to simulate for each answer (default: 2000; with --short 300)"},
	{.name = "cells",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct selftest_options, cells),
	 .min = 11,
	 .max = CELLS_MAX,
	 .help = "cells of a gate (default: 100, which the bars are for)"},
	{.name = "class",
	 .arg = "CLASS",
	 .kind = OPTION_CHOICE,
	 .offset = offsetof(struct selftest_options, class),
	 .choices = class_choices,
	 .help = "noise of the simulated machine: quiet, ci, hostile, or all (default)"},
	{.name = "seed",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct selftest_options, seed),
	 .help = "the same seed gives the same table (default: 1)"},
	{.name = "threads",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct selftest_options, threads),
	 .min = 1,
	 .max = THREADS_MAX,
	 .help = "changes nothing but the time it takes (default: one for each CPU)"},
	{.name = "short",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct selftest_options, brief),
	 .help = "the main questions only, with fewer gates: a few seconds"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct selftest_options, json),
	 .help = "print JSON: {schema, gates, cells, seed, level, state, rows: [{design, title, class, unit, value, low, high, gates, bar, state, exempt}]}"},
	OPTION_END,
};

static int selftest_run(const struct registry *reg, int argc, char **argv)
{
	struct selftest_options o = {.cells = CAMPAIGN_CELLS, .seed = 1, .class = "all"};
	const char *operands[1];
	int rc = verb_parse(&cmd_selftest, argc, argv, &o, operands);

	(void)reg;
	if (rc != VERB_GO_ON)
		return rc;
	if (strcmp(operands[0], "gate"))
		return verb_fail(EXITCODE_USAGE,
				 "selftest: there is none of \"%s\"; the one there is: gate",
				 operands[0]);
	return selftest_gate(&o);
}

const struct verb cmd_selftest = {
	.name = "selftest",
	.help = "put the gate's promises to simulated gates: 0 all hold, 1 one is missed, 4 too few gates to tell",
	.operands = "gate",
	.operands_min = 1,
	.operands_max = 1,
	.options = selftest_rows,
	.run = selftest_run,
};
