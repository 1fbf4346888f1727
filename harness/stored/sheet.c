// SPDX-License-Identifier: MIT
/*
 * Sheets as files, and what is read off them. Nothing of a file is believed: every member that is
 * used later is looked at once, when it is read, so that whoever edits a baseline by hand, or
 * merges two of them wrongly, is told the line.
 */
#include "harness/stored/sheet.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/hist.h"
#include "harness/stored/sheet_hist.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"
#include "harness/util/order.h"

void sheet_free(struct sheet *s)
{
	cJSON_Delete(s->session);
	cJSON_Delete(s->cells);
	*s = (struct sheet){NULL, NULL};
}

static int check_members(const cJSON *o, const char *const *texts, const char *place,
			 struct err *err)
{
	for (; *texts; texts++)
		if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(o, *texts)))
			return err_set(err, -EBADMSG, "%s: no \"%s\", or no text", place, *texts);
	return 0;
}

static int check_session(const cJSON *o, const char *place, struct err *err)
{
	static const char *const texts[] = {"session", "started", "uhbench", "matrix_hash", NULL};
	static const char *const objects[] = {"recipe", "machine", "host", "yardsticks"};
	int r = check_members(o, texts, place, err);

	for (size_t i = 0; !r && i < array_size(objects); i++)
		if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(o, objects[i])))
			r = err_set(err, -EBADMSG, "%s: no \"%s\", or no object", place,
				    objects[i]);
	if (!r && !cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(o, "cells")))
		r = err_set(err, -EBADMSG, "%s: it does not say how many cells follow", place);
	return r;
}

/* Numbers or null, `runs` of them; -1: as many as there are. */
static int check_values(const cJSON *metric, int runs, const char *place, struct err *err)
{
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(metric, "values"), *v;
	bool good = cJSON_IsArray(values) && (runs < 0 || cJSON_GetArraySize(values) == runs);

	cJSON_ArrayForEach (v, values)
		good = good && (cJSON_IsNumber(v) || cJSON_IsNull(v));
	return good ? 0
		    : err_set(err, -EBADMSG,
			      "%s: the values of \"%s\" are not a number or null for each run",
			      place, metric->string);
}

static int check_cell_line(const cJSON *o, const char *place, struct err *err)
{
	static const char *const identity[] = {"id", "workload", "target", NULL};
	static const char *const texts[] = {"label", NULL};
	const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(o, "metrics"), *metric;
	const cJSON *counts = cJSON_GetObjectItemCaseSensitive(o, "counts");
	int runs = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(o, "order"));
	int r = check_members(cJSON_GetObjectItemCaseSensitive(o, "cell"), identity, place, err);

	if (!r)
		r = check_members(o, texts, place, err);
	if (!r && !cJSON_IsObject(metrics))
		r = err_set(err, -EBADMSG, "%s: no \"metrics\"", place);
	cJSON_ArrayForEach (metric, metrics)
		r = r ? r : check_values(metric, runs, place, err);
	cJSON_ArrayForEach (metric, counts)
		r = r ? r : check_values(metric, -1, place, err);
	if (!r)
		r = sheet_hist_check(cJSON_GetObjectItemCaseSensitive(o, "histograms"), place, err);
	return r;
}

static int take_line(void *arg, cJSON *o, const char *place, struct err *err)
{
	struct sheet *s = arg;
	int r = s->session ? check_cell_line(o, place, err) : check_session(o, place, err);

	if (r)
		return r;
	if (s->session)
		cJSON_AddItemToArray(s->cells, cJSON_Duplicate(o, 1));
	else
		s->session = cJSON_Duplicate(o, 1);
	return 0;
}

/* The first line says how many follow: a file that was cut off is no sheet. */
static int check_complete(const struct sheet *s, const char *path, unsigned torn, struct err *err)
{
	int n = cJSON_GetArraySize(s->cells), promised;

	if (!s->session)
		return err_set(err, -EBADMSG, "%s:1: %s", path,
			       torn ? "the line is cut off" : "the file is empty");
	promised = (int)cJSON_GetNumberValue(sheet_item(s, "cells"));
	if (torn || n != promised)
		return err_set(err, -EBADMSG, "%s:%d: %s: %d of %d cells are there", path, n + 2,
			       torn ? "the line is cut off" : "the file does not end here", n,
			       promised);
	return 0;
}

int sheet_read(const char *path, struct sheet *ret, struct err *err)
{
	struct sheet s = {.session = NULL, .cells = cJSON_CreateArray()};
	unsigned torn = 0;
	int r = jsonl_each(path, SHEET_SCHEMA, take_line, &s, &torn, err);

	if (!r)
		r = check_complete(&s, path, torn, err);
	if (r)
		sheet_free(&s);
	else
		*ret = s;
	return r;
}

static int write_line(FILE *out, const cJSON *o)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(o);

	if (!text)
		return -ENOMEM;
	return fputs(text, out) < 0 || fputc('\n', out) < 0 ? -ENOMEM : 0;
}

int sheet_write(const struct sheet *s, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	const cJSON *cell;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r = out ? write_line(out, s->session) : -ENOMEM;

	cJSON_ArrayForEach (cell, s->cells)
		r = r ? r : write_line(out, cell);
	if (out && fclose(out) && !r)
		r = -ENOMEM;
	if (!r)
		r = fs_replace(path, text, len);
	return r ? err_sys(err, r, "%s", path) : 0;
}

const cJSON *sheet_item(const struct sheet *s, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(s->session, key);
}

const char *sheet_text(const struct sheet *s, const char *key)
{
	const char *text = cJSON_GetStringValue(sheet_item(s, key));

	return text ? text : "";
}

const cJSON *sheet_cell(const struct sheet *s, const char *id)
{
	const cJSON *line;

	cJSON_ArrayForEach (line, s->cells) {
		const cJSON *cell = cJSON_GetObjectItemCaseSensitive(line, "cell");
		const char *own =
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cell, "id"));

		if (own && !strcmp(own, id))
			return line;
	}
	return NULL;
}

static const char *line_text(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text ? text : "";
}

int sheet_finished(const struct sheet *s, struct err *err)
{
	const cJSON *missing = sheet_item(s, "missing_runs");

	if (!cJSON_IsNumber(missing) || missing->valuedouble <= 0)
		return 0;
	return err_set(err, -ECANCELED,
		       "session %s: %.0f runs are missing: finish it with --resume first",
		       sheet_text(s, "session"), missing->valuedouble);
}

int sheet_whole(const struct sheet *s, struct err *err)
{
	int r = sheet_finished(s, err);
	const cJSON *line;

	if (r)
		return r;
	cJSON_ArrayForEach (line, s->cells) {
		const cJSON *why = cJSON_GetObjectItemCaseSensitive(line, "failed");

		if (why)
			return err_set(err, -ECANCELED, "session %s: %s: a run %s",
				       sheet_text(s, "session"), line_text(line, "label"),
				       line_text(why, "status"));
	}
	return 0;
}

const cJSON *sheet_metric(const cJSON *cell, const char *name)
{
	const cJSON *metrics = cJSON_GetObjectItemCaseSensitive(cell, "metrics");
	const cJSON *counts = cJSON_GetObjectItemCaseSensitive(cell, "counts");
	const cJSON *one = cJSON_GetObjectItemCaseSensitive(metrics, name);

	return one ? one : cJSON_GetObjectItemCaseSensitive(counts, name);
}

bool sheet_declared(const cJSON *metric, struct metric *ret)
{
	const char *unit = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metric, "unit"));
	const char *better = line_text(metric, "better");

	if (!unit || !metric_unit_is_good(unit) || !metric_name_is_good(metric->string))
		return false;
	for (int i = 0; i < BETTER_NONE; i++)
		if (!strcmp(better, better_names[i])) {
			*ret = (struct metric){metric->string, unit, (enum better)i, ""};
			return true;
		}
	return false;
}

bool sheet_means(const cJSON *metric, const struct metric *m)
{
	struct metric own;

	return metric && sheet_declared(metric, &own) && own.better == m->better &&
	       !strcmp(own.unit, m->unit);
}

double sheet_value(const cJSON *cell, const char *metric)
{
	const cJSON *one = sheet_metric(cell, metric), *v;
	const cJSON *values = cJSON_GetObjectItemCaseSensitive(one, "values");
	_cleanup_free_ double *sorted =
		calloc((size_t)cJSON_GetArraySize(values) + 1, sizeof(*sorted));
	size_t n = 0;

	cJSON_ArrayForEach (v, values) {
		if (!sorted || !cJSON_IsNumber(v))
			return NAN;
		sorted[n++] = v->valuedouble;
	}
	order_sort(sorted, n);
	return order_median(sorted, n);
}

double sheet_yardstick(const struct sheet *s, const char *name, double *ret_version)
{
	const cJSON *one = cJSON_GetObjectItemCaseSensitive(sheet_item(s, "yardsticks"), name);
	const cJSON *ns = cJSON_GetObjectItemCaseSensitive(one, "ns");
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(one, "version");

	if (!cJSON_IsNumber(ns) || !(ns->valuedouble > 0) || !cJSON_IsNumber(version))
		return NAN;
	*ret_version = version->valuedouble;
	return ns->valuedouble;
}

double sheet_quantile(const cJSON *const *cells, unsigned n, const char *histogram, double q)
{
	_cleanup_free_ uint64_t *buckets = calloc(SHEET_BUCKETS, sizeof(*buckets));

	for (unsigned i = 0; buckets && i < n; i++) {
		const cJSON *all = cJSON_GetObjectItemCaseSensitive(cells[i], "histograms");

		sheet_hist_add(buckets, cJSON_GetObjectItemCaseSensitive(all, histogram));
	}
	return buckets ? sheet_hist_quantile(buckets, q) : NAN;
}
