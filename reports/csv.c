// SPDX-License-Identifier: MIT
/*
 * Long form, one line for each metric of each run, in file order and streamed: what R, pandas or a
 * spreadsheet wants. A run without metrics has one line with an empty metric, so that no run is
 * lost. Quoting as in RFC 4180 (but with plain newlines).
 */
#include "reports/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "reports/detail.h"
#include "reports/get.h"
#include "reports/report.h"

struct csv {
	FILE *out;
	const char *session;
};

static const char *const axes[] = {"threads", "depth", "batch", "rate", "arrival", "payload"};
static const char *const roles[] = {"driver", "target", "sink"};

void csv_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* As short as it can be: 17 digits bring every double back, for most of them 15 do. */
void csv_number(FILE *out, double v)
{
	char text[40];

	if (!isfinite(v))
		return;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	if (v == floor(v) && fabs(v) < 9e15) /* no exponent for whole numbers */
		snprintf(text, sizeof(text), "%.0f", v);
	fputs(text, out);
}

static void put_item(FILE *out, const cJSON *item)
{
	if (cJSON_IsString(item))
		csv_text(out, item->valuestring);
	else if (cJSON_IsNumber(item))
		csv_number(out, item->valuedouble);
	else if (cJSON_IsBool(item))
		fputs(cJSON_IsTrue(item) ? "true" : "false", out);
}

/* All knobs in one field, "flush=dsync window=0": their names differ from target to target. */
static void put_knobs(FILE *out, const cJSON *knobs)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);
	const cJSON *knob;

	if (!mem)
		return;
	cJSON_ArrayForEach (knob, knobs) {
		fprintf(mem, "%s%s=", knob == knobs->child ? "" : " ", knob->string);
		if (cJSON_IsString(knob))
			fputs(knob->valuestring, mem);
		else
			put_item(mem, knob);
	}
	fclose(mem);
	csv_text(out, text);
}

static void put_run(const struct csv *c, const cJSON *record)
{
	const cJSON *cell = get(record, "cell"), *a = get(cell, "axes");

	csv_text(c->out, c->session);
	for (const char *const *k = (const char *const[]){"id", "workload", "target", NULL}; *k;
	     k++) {
		fputc(',', c->out);
		csv_text(c->out, get_text(cell, *k));
	}
	for (size_t i = 0; i < array_size(axes); i++) {
		fputc(',', c->out);
		put_item(c->out, get(a, axes[i]));
	}
	for (size_t i = 0; i < array_size(roles); i++) {
		fputc(',', c->out);
		csv_text(c->out, get_text(get(a, "cpus"), roles[i]));
	}
	fputc(',', c->out);
	put_knobs(c->out, get_object(cell, "knobs"));
	fprintf(c->out, ",%s", cJSON_IsTrue(get(record, "probed")) ? "true" : "false");
	for (const char *const *k = (const char *const[]){"repeat", "order", "status", NULL}; *k;
	     k++) {
		fputc(',', c->out);
		put_item(c->out, get(record, *k));
	}
}

static void put_metric(const struct csv *c, const cJSON *record, const cJSON *metric)
{
	const char *reason = get_text(record, "reason");

	put_run(c, record);
	fputc(',', c->out);
	csv_text(c->out, metric ? metric->string : "");
	fputc(',', c->out);
	put_item(c->out, get(metric, "value"));
	fputc(',', c->out);
	csv_text(c->out, get_text(metric, "unit"));
	fputc(',', c->out);
	csv_text(c->out, get_text(metric, "better"));
	fputc(',', c->out);
	csv_text(c->out, *reason ? reason : get_text(metric, "reason"));
	fputc('\n', c->out);
}

/* A figure of a target's detail, as a metric that has no better direction. */
static void put_detail_figure(const struct csv *c, const cJSON *record, const char *name, double v,
			      const char *unit)
{
	put_run(c, record);
	fputc(',', c->out);
	csv_text(c->out, name);
	fputc(',', c->out);
	csv_number(c->out, v);
	fputc(',', c->out);
	csv_text(c->out, unit);
	fputs(",none,\n", c->out);
}

/* queues/0/completions: the table, the row's first value, the column. Texts are no figures. */
static void put_table(const struct csv *c, const cJSON *record, const cJSON *detail)
{
	const cJSON *row, *value;
	char name[200], key[24];

	cJSON_ArrayForEach (row, get(detail, "rows")) {
		const cJSON *column = get(detail, "columns")->child;

		detail_row_name(row, key);
		cJSON_ArrayForEach (value, row) {
			if (value != row->child && cJSON_IsNumber(value)) {
				snprintf(name, sizeof(name), "%s/%s/%s", detail->string, key,
					 get_text(column, "name"));
				put_detail_figure(c, record, name, value->valuedouble,
						  get_text(column, "unit"));
			}
			column = column ? column->next : NULL;
		}
	}
}

/* stages/submit: the mean of that stage in the run. */
static void put_stages(const struct csv *c, const cJSON *record, const cJSON *detail)
{
	const cJSON *stage;
	char name[200];

	cJSON_ArrayForEach (stage, get(detail, "stages")) {
		const cJSON *h = get(get(record, "histograms"), get_text(stage, "histogram"));
		double mean = get_number(h, "sum") / get_number(h, "count");

		snprintf(name, sizeof(name), "%s/%s", detail->string, get_text(stage, "name"));
		if (isfinite(mean))
			put_detail_figure(c, record, name, mean, "ns");
	}
}

static void put_details(const struct csv *c, const cJSON *record)
{
	const cJSON *detail;

	cJSON_ArrayForEach (detail, get_object(record, "detail")) {
		if (detail_is_table(detail))
			put_table(c, record, detail);
		else if (detail_is_stages(detail))
			put_stages(c, record, detail);
	}
}

static int put_record(void *arg, cJSON *record)
{
	const struct csv *c = arg;
	const cJSON *metrics = get_object(record, "metrics"), *metric;

	cJSON_ArrayForEach (metric, metrics)
		put_metric(c, record, metric);
	if (!metrics || !metrics->child)
		put_metric(c, record, NULL);
	put_details(c, record);
	return 0;
}

int report_csv(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_json_ cJSON *manifest = NULL;
	struct csv c = {.out = out};
	int code = store_manifest(options->dir, &manifest, err);

	if (code)
		return code;
	c.session = get_text(manifest, "session");
	fputs("session,cell,workload,target,threads,depth,batch,rate,arrival,payload,cpus_driver,"
	      "cpus_target,cpus_sink,knobs,probed,repeat,order,status,metric,value,unit,better,reason\n",
	      out);
	return store_each(options->dir, put_record, &c, NULL, err);
}
