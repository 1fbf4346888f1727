// SPDX-License-Identifier: MIT
/*
 * From the folder of a gate to its figures. What was measured is the ratio of two builds in the
 * same minutes, so that is what is kept, from verdicts.json; a gate that the environment spoilt, or
 * whose control could not be measured, has none. Bases that differ, in a build or in a knob, are
 * different references.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/exitcode.h"
#include "harness/history/gather.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define GATE_SCHEMA    1
#define GATE_FILE_MAX  ((size_t)64 << 20)
#define REFERENCE_MAX  512
#define SHOWN_OF_BUILD 12 /* hex digits of a build's checksum that name it */

static const cJSON *at(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int read_file(const char *dir, const char *name, cJSON **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	const cJSON *schema;
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return err_sys(err, -ENAMETOOLONG, "%s", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : fs_read_all(fd, GATE_FILE_MAX, &text, NULL);
	if (r)
		return err_sys(err, r, "%s", path);
	*ret = cJSON_Parse(text);
	if (!*ret)
		return err_set(err, -EBADMSG, "%s: not JSON", path);
	schema = at(*ret, "schema");
	if (!cJSON_IsNumber(schema) || schema->valueint != GATE_SCHEMA)
		return err_set(err, -EBADMSG, "%s: a schema that this build does not know", path);
	return 0;
}

/* A cell stands in these files by its identity, or with all that makes it up. */
static const char *id_of(const cJSON *cell)
{
	const char *id = cJSON_GetStringValue(cell);

	return id ? id : gather_text(cell, "id");
}

/* Appends what fits. */
__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *fmt,
							 ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, size - len, fmt, ap);
	va_end(ap);
}

static void append_set(char *text, size_t size, const char *side, const cJSON *set)
{
	const cJSON *word;

	cJSON_ArrayForEach (word, set)
		append(text, size, " %s:%s", side, cJSON_IsString(word) ? word->valuestring : "?");
}

/* "0123456789ab", "0123456789ab+ba9876543210 base:wal.window=0 head:wal.window=200us" */
static void name_reference(const cJSON *gate, char *text, size_t size)
{
	const cJSON *base = at(gate, "base"), *build;

	*text = 0;
	cJSON_ArrayForEach (build, at(base, "sha256"))
		append(text, size, "%s%.*s", *text ? "+" : "", SHOWN_OF_BUILD,
		       cJSON_IsString(build) ? build->valuestring : "?");
	append_set(text, size, "base", at(base, "set"));
	append_set(text, size, "head", at(at(gate, "head"), "set"));
}

static double number(const cJSON *object, const char *key)
{
	const cJSON *item = at(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void add_metric(cJSON *values, const char *cell, const cJSON *metric)
{
	cJSON *o;

	if (!cJSON_IsNumber(at(metric, "estimate")) || !cJSON_IsNumber(at(metric, "low")) ||
	    !cJSON_IsNumber(at(metric, "high")))
		return;
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "cell", cell);
	cJSON_AddStringToObject(o, "metric", gather_text(metric, "metric"));
	cJSON_AddStringToObject(o, "unit", "1");
	cJSON_AddStringToObject(o, "better", "lower");
	cJSON_AddNumberToObject(o, "runs", number(metric, "n1") + number(metric, "n2"));
	cJSON_AddNumberToObject(o, "median", 1 + number(metric, "estimate"));
	cJSON_AddNumberToObject(o, "least", 1 + number(metric, "low"));
	cJSON_AddNumberToObject(o, "most", 1 + number(metric, "high"));
	cJSON_AddItemToArray(values, o);
}

static const cJSON *find_cell(const cJSON *cells, const char *id)
{
	const cJSON *cell;

	cJSON_ArrayForEach (cell, cells)
		if (!strcmp(id_of(at(cell, "cell")), id))
			return cell;
	return NULL;
}

/* Contaminated, or nobody knows whether base and its copy were alike. A control that failed is the
 * one failure that no cell has. */
static bool is_spoilt(const cJSON *verdicts)
{
	const char *verdict = gather_text(verdicts, "verdict");

	return number(verdicts, "exit_code") == EXITCODE_ENVIRONMENT ||
	       !strcmp(verdict, "contaminated") ||
	       (!strcmp(verdict, "failed") && !(number(at(verdicts, "counts"), "failed") > 0));
}

static void add_remark(cJSON *into, const cJSON *gate)
{
	const char *ended = gather_text(gate, "ended");
	bool finished = !strcmp(ended, "complete") || !strcmp(ended, "budget");

	cJSON_AddStringToObject(into, "remark", finished ? "" : "unfinished");
}

static int add_values(cJSON *into, const cJSON *gate, const cJSON *verdicts, const char *dir,
		      struct err *err)
{
	cJSON *cells = cJSON_AddArrayToObject(into, "cells");
	cJSON *values = cJSON_AddArrayToObject(into, "values");
	const cJSON *judged, *metric;

	if (is_spoilt(verdicts))
		return 0;
	cJSON_ArrayForEach (judged, at(verdicts, "cells")) {
		const char *id = id_of(at(judged, "cell"));
		const cJSON *cell = find_cell(at(gate, "cells"), id);

		if (!cell)
			return err_set(err, -EBADMSG,
				       "%s/verdicts.json: cell %s is not in gate.json", dir, id);
		gather_cell(cells, at(cell, "cell"), gather_text(cell, "label"));
		cJSON_ArrayForEach (metric, at(judged, "metrics"))
			add_metric(values, id, metric);
	}
	return 0;
}

int gather_gate(const char *dir, cJSON *into, struct err *err)
{
	_cleanup_json_ cJSON *gate = NULL, *verdicts = NULL;
	char reference[REFERENCE_MAX];
	int r = read_file(dir, "gate.json", &gate, err);

	if (!r)
		r = read_file(dir, "verdicts.json", &verdicts, err);
	if (r)
		return r;
	if (!*gather_text(gate, "gate") || !*gather_text(gate, "started"))
		return err_set(err, -EBADMSG, "%s/gate.json: no gate, or no time of it", dir);
	name_reference(gate, reference, sizeof(reference));
	cJSON_AddStringToObject(into, "id", gather_text(gate, "gate"));
	cJSON_AddStringToObject(into, "kind", "gate");
	cJSON_AddStringToObject(into, "started", gather_text(gate, "started"));
	cJSON_AddStringToObject(into, "uhbench", gather_text(gate, "uhbench"));
	cJSON_AddStringToObject(into, "revision", gather_text(at(gate, "head"), "revision"));
	cJSON_AddStringToObject(into, "reference", reference);
	gather_machine(into, at(gate, "host"));
	gather_windows(into, gate);
	add_remark(into, gate);
	cJSON_AddItemToObject(into, "yardsticks", cJSON_CreateObject());
	return add_values(into, gate, verdicts, dir, err);
}
