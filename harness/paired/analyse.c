// SPDX-License-Identifier: MIT
/*
 * The folder of a gate, judged: all that is believed stands in gate.json and pairs.jsonl. A gate
 * that ended noted how many lines it had written, so that a file that lost some is not judged by
 * what is left.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "harness/paired/paired.h"
#include "harness/paired/verdicts.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"
#include "harness/util/units.h"

struct reading {
	struct judge *judge;
	unsigned lines;
};

static void free_judge(struct judge **j)
{
	judge_free(*j);
}

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

bool paired_is_folder(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/gate.json", dir) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

static int take_line(void *arg, cJSON *pair, const char *place, struct err *err)
{
	struct reading *reading = arg;

	reading->lines++;
	return judge_add(reading->judge, pair, place, err);
}

int paired_check_lines(const cJSON *gate, const char *path, unsigned lines, unsigned torn,
		       struct err *err)
{
	const cJSON *pairs = at(gate, "pairs");

	if (!cJSON_IsString(at(gate, "ended")))
		return 0;
	if (torn)
		return err_set(err, -EBADMSG, "%s:%u: the line is cut off", path, lines + 1);
	if (!cJSON_IsNumber(pairs) || pairs->valuedouble != lines)
		return err_set(err, -EBADMSG,
			       "%s:%u: the file ends here, and gate.json has %g pairs", path, lines,
			       cJSON_IsNumber(pairs) ? pairs->valuedouble : 0);
	return 0;
}

static void end(struct judge *j, const cJSON *gate)
{
	const char *ended = cJSON_GetStringValue(at(gate, "ended"));
	const cJSON *budget = at(at(gate, "params"), "budget_ns");
	char why[96] = "interrupted", time[UNITS_TEXT_MAX];

	if (ended && !strcmp(ended, "budget") && cJSON_IsNumber(budget))
		snprintf(why, sizeof(why), "the budget of %s was used up",
			 units_format_time((uint64_t)budget->valuedouble, time));
	else if (ended && !strcmp(ended, "complete"))
		snprintf(why, sizeof(why), "its gate ended before it was decided");
	judge_end(j, why);
}

static int write_verdicts(const char *dir, const cJSON *verdicts, struct err *err)
{
	_cleanup_free_ char *text = cJSON_Print(verdicts);
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%.4000s/verdicts.json", dir);
	r = text ? fs_replace(path, text, strlen(text)) : -ENOMEM;
	return r ? err_sys(err, r, "%s", path) : 0;
}

int paired_analyse(const char *dir, cJSON **ret_verdicts, struct err *err)
{
	_cleanup_(free_judge) struct judge *judge = NULL;
	_cleanup_json_ cJSON *gate = NULL, *verdicts = NULL;
	struct reading reading = {.lines = 0};
	char path[PATH_MAX];
	unsigned torn = 0;
	int r;

	snprintf(path, sizeof(path), "%.4000s/gate.json", dir);
	r = jsonl_document(path, PAIRED_SCHEMA, &gate, err);
	if (!r)
		r = judge_new(gate, path, &judge, err);
	if (r)
		return r;
	reading.judge = judge;
	snprintf(path, sizeof(path), "%.4000s/pairs.jsonl", dir);
	r = jsonl_each(path, PAIRED_SCHEMA, take_line, &reading, &torn, err);
	if (!r)
		r = paired_check_lines(gate, path, reading.lines, torn, err);
	if (r)
		return r;
	end(judge, gate);
	verdicts = verdicts_make(judge);
	r = verdicts ? write_verdicts(dir, verdicts, err) : err_sys(err, -ENOMEM, "%s", dir);
	if (!r)
		*ret_verdicts = take_ptr(verdicts);
	return r;
}
