// SPDX-License-Identifier: MIT
/*
 * Lines are judged as they come and only sums are kept, so that a program may tell as much as it
 * likes. What begins with a brace and cannot be read is counted, since a program may print
 * anything; what can be read and makes no sense is an error, since somebody meant it.
 */
#include "targets/command/tally.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/json.h"
#include "harness/util/nsec.h"

/* Sums of as many lines as anybody can tell are still numbers. */
#define VALUE_MAX	    1e290
#define LINE_OPERATIONS_MAX 1e15

static const struct metric *common(const char *name)
{
	for (const struct metric *m = common_metrics; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

static bool is_told_common(const char *name)
{
	return !strcmp(name, "throughput") || !strncmp(name, "latency_", strlen("latency_"));
}

static int read_better(const cJSON *o, enum better *ret, struct err *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, "better");
	char shown[JSON_SHOW_MAX];

	*ret = BETTER_NONE;
	if (!item)
		return 0;
	for (int i = 0; cJSON_IsString(item) && i <= BETTER_NONE; i++)
		if (!strcmp(item->valuestring, better_names[i])) {
			*ret = (enum better)i;
			return 0;
		}
	return err_set(err, -EPROTO,
		       "\"better\" is %s, and should be \"higher\", \"lower\" or "
		       "\"none\"",
		       json_show(item, shown));
}

static int read_unit(const cJSON *o, struct tally_metric *m, struct err *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, "unit");
	char shown[JSON_SHOW_MAX];

	strcpy(m->unit, "1");
	if (!item)
		return 0;
	if (!cJSON_IsString(item) || !metric_unit_is_good(item->valuestring))
		return err_set(err, -EPROTO,
			       "\"unit\" is %s, and should be a text of 1 to %zu letters, digits "
			       "and other characters of ASCII, but none of \"<>&|`",
			       json_show(item, shown), sizeof(m->unit) - 1);
	strcpy(m->unit, item->valuestring);
	return 0;
}

/* What we measure ourselves is not the program's to tell. */
static int check_common(const struct tally *t, struct tally_metric *m, struct err *err)
{
	const struct metric *c = common(m->name);

	if (!c && strcmp(m->name, TALLY_RATE))
		return 0;
	if (!c || !t->own_common || !is_told_common(m->name))
		return err_set(err, -EPROTO, "%s is measured by uhbench: give it another name",
			       m->name);
	if (strcmp(m->unit, c->unit))
		return err_set(err, -EPROTO, "the unit of %s is \"%s\", not \"%s\"", m->name,
			       c->unit, m->unit);
	m->better = c->better;
	return 0;
}

static int read_metric(const struct tally *t, const cJSON *o, struct tally_metric *m,
		       struct err *err)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(o, "metric");
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(o, "value");
	char shown[JSON_SHOW_MAX];
	int r;

	if (!cJSON_IsString(name) || !metric_name_is_good(name->valuestring))
		return err_set(err, -EPROTO,
			       "\"metric\" is %s, and should be a name of up to 63 letters, digits "
			       "and _.-/",
			       json_show(name, shown));
	*m = (struct tally_metric){.inside = 0};
	strcpy(m->name, name->valuestring);
	if (!cJSON_IsNumber(value) || !(fabs(value->valuedouble) <= VALUE_MAX))
		return err_set(err, -EPROTO,
			       "\"value\" of %s is %s, and should be a number of at most %g",
			       m->name, value ? json_show(value, shown) : "missing", VALUE_MAX);
	m->last = value->valuedouble;
	r = read_unit(o, m, err);
	if (!r)
		r = read_better(o, &m->better, err);
	return r ? r : check_common(t, m, err);
}

/* The row of that name, made when there is none yet. */
static int row_for(struct tally *t, const struct tally_metric *m, struct tally_metric **ret,
		   struct err *err)
{
	for (unsigned i = 0; i < t->n_metrics; i++) {
		struct tally_metric *row = &t->metrics[i];

		if (strcmp(row->name, m->name))
			continue;
		if (strcmp(row->unit, m->unit) || row->better != m->better)
			return err_set(
				err, -EPROTO,
				"%s was told in \"%s\", better %s, and now in \"%s\", better "
				"%s",
				m->name, row->unit, better_names[row->better], m->unit,
				better_names[m->better]);
		*ret = row;
		return 0;
	}
	if (t->n_metrics == TALLY_METRICS_MAX)
		return err_set(err, -EPROTO, "%s is one metric more than %d", m->name,
			       TALLY_METRICS_MAX);
	t->metrics[t->n_metrics] = *m;
	*ret = &t->metrics[t->n_metrics++];
	return 0;
}

static int add_metric(struct tally *t, const cJSON *o, uint64_t now_ns, struct err *err)
{
	struct tally_metric m, *row;
	int r = read_metric(t, o, &m, err);

	if (!r)
		r = row_for(t, &m, &row, err);
	if (r)
		return r;
	row->last = m.last;
	if (now_ns >= t->begin_ns && now_ns < t->end_ns) {
		row->sum += m.last;
		row->inside++;
	}
	return 0;
}

static uint64_t overlap(uint64_t a, uint64_t b, uint64_t from, uint64_t to)
{
	uint64_t low = max_of(a, from), high = min_of(b, to);

	return high > low ? high - low : 0;
}

/* n operations between the two times. */
static void spread(struct tally *t, double n, uint64_t from, uint64_t to)
{
	uint64_t window = t->end_ns - t->begin_ns;
	double each;

	t->longest_ns = max_of(t->longest_ns, to - from);
	t->covered_ns += overlap(t->begin_ns, t->end_ns, max_of(from, t->covered_until_ns), to);
	t->covered_until_ns = max_of(t->covered_until_ns, to);
	if (!t->end_ns || from >= t->end_ns || to < t->begin_ns)
		return;
	if (from >= to) /* in one instant */
		from = to - 1;
	each = n / (double)(to - from);
	t->operations += each * (double)overlap(t->begin_ns, t->end_ns, from, to);
	for (unsigned i = 0; i < TALLY_POINTS; i++)
		t->points[i] +=
			each * (double)overlap(t->begin_ns + window * i / TALLY_POINTS,
					       t->begin_ns + window * (i + 1) / TALLY_POINTS, from,
					       to);
}

static int add_operations(struct tally *t, const cJSON *o, const cJSON *operations,
			  uint64_t *since_ns, uint64_t now_ns, struct err *err)
{
	const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(o, "seconds");
	double n = operations->valuedouble, s = seconds ? seconds->valuedouble : 0;
	char shown[JSON_SHOW_MAX];
	uint64_t from;

	if (!cJSON_IsNumber(operations) || !(n >= 0 && n <= LINE_OPERATIONS_MAX))
		return err_set(err, -EPROTO,
			       "\"operations\" is %s, and should be a number from 0 to %g",
			       json_show(operations, shown), LINE_OPERATIONS_MAX);
	if (seconds && (!cJSON_IsNumber(seconds) || !isfinite(s) || s <= 0))
		return err_set(err, -EPROTO, "\"seconds\" is %s, and should be a number above 0",
			       json_show(seconds, shown));
	if (!since_ns)
		return err_set(err, -EPROTO,
			       "operations are told by the program, not by the server");
	from = *since_ns;
	if (seconds)
		from = s * 1e9 < (double)now_ns ? now_ns - (uint64_t)(s * 1e9) : 0;
	spread(t, n, from, now_ns);
	t->lines++;
	t->timed |= seconds != NULL;
	*since_ns = now_ns;
	return 0;
}

int tally_line(struct tally *t, const char *line, uint64_t *since_ns, uint64_t now_ns,
	       struct err *err)
{
	const char *at = line + strspn(line, " \t");
	_cleanup_json_ cJSON *o = NULL;
	const cJSON *operations;
	char shown[JSON_SHOW_MAX];
	int r = 0;

	if (*at != '{')
		return 0;
	o = cJSON_ParseWithOpts(at, NULL, true);
	if (!o) {
		t->broken++;
		return 0;
	}
	operations = cJSON_GetObjectItemCaseSensitive(o, "operations");
	if (operations)
		r = add_operations(t, o, operations, since_ns, now_ns, err);
	if (!r && cJSON_GetObjectItemCaseSensitive(o, "metric"))
		r = add_metric(t, o, now_ns, err);
	return r ? err_wrap(err, r, "stdout: %s", json_quote(at, shown)) : 0;
}

void tally_silence(struct tally *t, uint64_t since_ns, uint64_t now_ns)
{
	spread(t, 0, since_ns, now_ns);
}

int tally_merge(struct tally *to, const struct tally *from, struct err *err)
{
	for (unsigned i = 0; i < from->n_metrics; i++) {
		struct tally_metric *row, fresh = from->metrics[i];
		int r;

		fresh.sum = 0;
		fresh.inside = 0;
		r = row_for(to, &fresh, &row, err);
		if (r)
			return r;
		row->sum += from->metrics[i].sum;
		row->inside += from->metrics[i].inside;
	}
	to->lines += from->lines;
	to->operations += from->operations;
	to->broken += from->broken;
	return 0;
}

double tally_value(const struct tally_metric *m)
{
	return m->inside ? m->sum / (double)m->inside : m->last;
}

const struct tally_metric *tally_find(const struct tally *t, const char *name)
{
	for (unsigned i = 0; i < t->n_metrics; i++)
		if (!strcmp(t->metrics[i].name, name))
			return &t->metrics[i];
	return NULL;
}

void tally_report(const struct tally *t, struct result *result)
{
	for (unsigned i = 0; i < t->n_metrics; i++) {
		const struct tally_metric *m = &t->metrics[i];
		const struct metric told = {m->name, m->unit, m->better, ""};

		if (common(m->name))
			result_metric(result, m->name, tally_value(m));
		else
			result_metric_told(result, &told, tally_value(m));
	}
	if (t->broken)
		result_note(result, "%llu lines on stdout begin with { and are no JSON",
			    (unsigned long long)t->broken);
}
