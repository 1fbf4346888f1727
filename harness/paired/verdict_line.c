// SPDX-License-Identifier: MIT
/*
 * Says how many cells came to the verdict, and of the worst one what and by how much. Made from
 * the JSON that reports read, so that it says nothing else than they do.
 */
#include "harness/paired/verdict_line.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "harness/exitcode.h"
#include "harness/util/cleanup.h"

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static bool text_is(const cJSON *o, const char *key, const char *text)
{
	const char *value = cJSON_GetStringValue(at(o, key));

	return value && !strcmp(value, text);
}

static const cJSON *gated_metric(const cJSON *cell, const char *verdict)
{
	const cJSON *m;

	cJSON_ArrayForEach (m, at(cell, "metrics"))
		if (cJSON_IsTrue(at(m, "gated")) && text_is(m, "verdict", verdict))
			return m;
	return NULL;
}

/* How many cells have a gated metric of that verdict; the first is the worst. */
static unsigned count_cells(const cJSON *cells, const char *verdict, const cJSON **ret_cell,
			    const cJSON **ret_metric)
{
	const cJSON *cell, *metric;
	unsigned n = 0;

	*ret_cell = *ret_metric = NULL;
	cJSON_ArrayForEach (cell, cells) {
		metric = gated_metric(cell, verdict);
		if (metric && !n++) {
			*ret_cell = cell;
			*ret_metric = metric;
		}
	}
	return n;
}

static void add_effect(FILE *out, const cJSON *metric)
{
	const cJSON *low = at(metric, "low"), *high = at(metric, "high");

	fprintf(out, "%s %+.1f %%", at(metric, "metric")->valuestring,
		100 * at(metric, "estimate")->valuedouble);
	if (cJSON_IsNumber(low) && cJSON_IsNumber(high))
		fprintf(out, " [%+.1f, %+.1f]", 100 * low->valuedouble, 100 * high->valuedouble);
}

static void add_cells(FILE *out, const cJSON *cells, const char *verdict, const char *what)
{
	const cJSON *cell, *metric;
	unsigned n = count_cells(cells, verdict, &cell, &metric);

	fprintf(out, "%u of %d %s %s", n, cJSON_GetArraySize(cells),
		cJSON_GetArraySize(cells) == 1 ? "cell" : "cells", what);
	if (!cell)
		return;
	fprintf(out, n > 1 ? ", worst %s: " : ": %s: ", at(cell, "label")->valuestring);
	if (cJSON_IsObject(at(cell, "failed")))
		fprintf(out, "%.160s", at(at(cell, "failed"), "reason")->valuestring);
	else if (cJSON_IsString(at(metric, "why")))
		fputs(at(metric, "why")->valuestring, out);
	else
		add_effect(out, metric);
}

static const struct {
	const char *verdict, *cells, *says;
} sentences[] = {
	{"regressed", "regressed", "regressed (worse is +)"},
	{"inconclusive", "inconclusive", "could not be decided"},
	{"failed", "failed", "could not be compared"},
	{"improved", "improved", "improved (worse is +)"},
};

/* Worse in the pairs that made it a suspect, and as it fails nothing it had no fresh ones. */
static bool looks_worse(const cJSON *m)
{
	const cJSON *estimate = at(m, "estimate"), *low = at(m, "low");

	return text_is(m, "verdict", "inconclusive") && text_is(m, "stage", "stage2") &&
	       cJSON_IsNumber(estimate) && cJSON_IsNumber(low) && low->valuedouble > 0 &&
	       estimate->valuedouble >= at(m, "matters")->valuedouble;
}

static bool is_worse(const cJSON *m)
{
	return text_is(m, "verdict", "regressed");
}

/* Of what is not gated: the first by name, and how many more. */
static void add_ungated(FILE *out, const cJSON *cells, bool (*counts)(const cJSON *metric),
			const char *says)
{
	const cJSON *cell, *m;
	unsigned n = 0;

	cJSON_ArrayForEach (cell, cells)
		cJSON_ArrayForEach (m, at(cell, "metrics"))
			if (!cJSON_IsTrue(at(m, "gated")) && counts(m) && !n++)
				fprintf(out, "; %s: %.80s %s %+.1f %%", says,
					at(cell, "label")->valuestring,
					at(m, "metric")->valuestring,
					100 * at(m, "estimate")->valuedouble);
	if (n > 1)
		fprintf(out, " and %u more", n - 1);
}

static void say(FILE *out, const char *verdict, int exit_code, const cJSON *cells, double sees)
{
	const cJSON *cell, *metric;
	unsigned skipped = count_cells(cells, "skipped", &cell, &metric);
	unsigned compared = (unsigned)cJSON_GetArraySize(cells) - skipped;

	if (exit_code == EXITCODE_INTERRUPTED) {
		fputs("interrupted: no verdict", out);
		return;
	}
	if (!strcmp(verdict, "contaminated"))
		fputs("no verdict: base differs from its own copy, so something else than the "
		      "builds differs between the sides",
		      out);
	else if (!strcmp(verdict, "skipped"))
		fputs("no verdict: this machine can run none of the cells", out);
	else if (!strcmp(verdict, "passed"))
		fprintf(out, "no regression in %u %s", compared, compared == 1 ? "cell" : "cells");
	for (size_t i = 0; i < array_size(sentences); i++)
		if (!strcmp(sentences[i].verdict, verdict))
			add_cells(out, cells, sentences[i].cells, sentences[i].says);
	if (skipped && compared)
		fprintf(out, "; %u more skipped, which this machine cannot run", skipped);
	if (exit_code == EXITCODE_OK) {
		add_ungated(out, cells, is_worse, "not gated, but worse");
		add_ungated(out, cells, looks_worse, "not gated and not confirmed, but worse");
	}
	if (exit_code == EXITCODE_OK && isfinite(sees))
		fprintf(out, "; this gate sees %.1f %%", 100 * sees);
}

void verdict_line(const char *verdict, int exit_code, const cJSON *cells, double sees,
		  char line[static VERDICT_LINE_MAX])
{
	FILE *out = fmemopen(line, VERDICT_LINE_MAX, "w");

	line[0] = 0;
	if (!out)
		return;
	say(out, verdict, exit_code, cells, sees);
	fclose(out);
	line[VERDICT_LINE_MAX - 1] = 0;
}
