// SPDX-License-Identifier: MIT
/* The history for programs: every series with its points and steps (results/README.md). */
#include <errno.h>
#include <math.h>

#include "harness/cli/history_write.h"
#include "harness/util/cleanup.h"

#define HISTORY_SCHEMA 1

static void add_number(cJSON *o, const char *key, double v)
{
	cJSON_AddItemToObject(o, key, isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull());
}

static cJSON *point_json(const struct trend_point *p)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "session", p->session);
	cJSON_AddStringToObject(o, "kind", p->kind);
	cJSON_AddStringToObject(o, "folder", p->folder);
	cJSON_AddStringToObject(o, "started", p->started);
	cJSON_AddStringToObject(o, "uhbench", p->uhbench);
	cJSON_AddStringToObject(o, "revision", p->revision);
	cJSON_AddStringToObject(o, "remark", p->remark);
	add_number(o, "value", p->value);
	add_number(o, "measured", p->measured);
	add_number(o, "min", p->least);
	add_number(o, "max", p->most);
	add_number(o, "runs", p->runs);
	add_number(o, "yardstick_ns", p->yardstick_ns);
	return o;
}

static cJSON *step_json(const struct trend *t, const struct rankscan_step *step)
{
	static const char *const words[] = {"better", "other", "worse"};
	const struct trend_point *first = &t->points[step->at], *last = trend_before(t, step);
	cJSON *o = cJSON_CreateObject();

	add_number(o, "at", (double)step->at);
	cJSON_AddStringToObject(o, "is", words[trend_step_is(t, step) + 1]);
	add_number(o, "step", step->step);
	add_number(o, "before", step->before);
	add_number(o, "after", step->after);
	cJSON_AddStringToObject(o, "started", first->started);
	cJSON_AddStringToObject(o, "session", first->session);
	cJSON_AddStringToObject(o, "revision", first->revision);
	cJSON_AddStringToObject(o, "session_before", last->session);
	cJSON_AddStringToObject(o, "revision_before", last->revision);
	return o;
}

static void add_findings(cJSON *o, const struct trend *t)
{
	cJSON *steps = cJSON_AddArrayToObject(o, "steps");

	for (size_t i = 0; i < t->scan.n_steps; i++)
		cJSON_AddItemToArray(steps, step_json(t, &t->scan.steps[i]));
	cJSON_AddBoolToObject(o, "enough", t->n - t->n_bare >= RANKSCAN_MIN);
	cJSON_AddBoolToObject(o, "unreliable", t->scan.unreliable);
	add_number(o, "autocorrelation", t->scan.autocorrelation);
	add_number(o, "level", t->scan.level);
	add_number(o, "change", t->change);
}

static cJSON *series_json(const struct trend *t)
{
	cJSON *o = cJSON_CreateObject(), *points;

	cJSON_AddStringToObject(o, "cell", t->cell);
	cJSON_AddStringToObject(o, "label", t->label);
	cJSON_AddStringToObject(o, "workload", t->workload);
	cJSON_AddStringToObject(o, "target", t->target);
	cJSON_AddStringToObject(o, "metric", t->metric);
	cJSON_AddStringToObject(o, "unit", t->unit);
	cJSON_AddStringToObject(o, "better", t->better);
	cJSON_AddStringToObject(o, "machine", t->machine);
	cJSON_AddStringToObject(o, "machine_says", t->machine_says);
	cJSON_AddItemToObject(o, "reference",
			      *t->reference ? cJSON_CreateString(t->reference)
					    : cJSON_CreateNull());
	add_number(o, "warmup_ns", t->warmup_ns);
	add_number(o, "duration_ns", t->duration_ns);
	cJSON_AddItemToObject(o, "yardstick",
			      t->yardstick ? cJSON_CreateString(t->yardstick) : cJSON_CreateNull());
	cJSON_AddStringToObject(o, "basis", t->basis);
	add_number(o, "older", (double)t->n_older);
	points = cJSON_AddArrayToObject(o, "points");
	for (size_t i = 0; i < t->n; i++)
		cJSON_AddItemToArray(points, point_json(&t->points[i]));
	add_findings(o, t);
	return o;
}

int history_json(const struct trends *t, FILE *out)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	cJSON *series = cJSON_AddArrayToObject(o, "series");
	_cleanup_free_ char *text = NULL;

	cJSON_AddNumberToObject(o, "schema", HISTORY_SCHEMA);
	for (size_t i = 0; i < t->n; i++)
		cJSON_AddItemToArray(series, series_json(&t->items[i]));
	text = cJSON_Print(o);
	if (!text)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	return 0;
}
