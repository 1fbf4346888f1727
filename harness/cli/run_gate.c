// SPDX-License-Identifier: MIT
/*
 * The stored gate around a session. A baseline that cannot be compared with is told before minutes
 * are spent on measuring; the machine's key is that of the folder the results will be in.
 */
#include "harness/cli/run_gate.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/fail_on.h"
#include "harness/cli/measuring.h"
#include "harness/gate/predict.h"
#include "harness/host/hostinfo.h"
#include "harness/host/machine.h"
#include "harness/util/cleanup.h"
#include "reports/verdict.h"

/* {machine, recipe, host} of what is going to be measured. */
static cJSON *what_will_be(const struct matrix *m, uint64_t repeats, const char *dir)
{
	cJSON *o = cJSON_CreateObject();
	char folder[PATH_MAX];
	cJSON *host;

	measuring_nearest_folder(dir, folder);
	host = hostinfo_collect(folder);
	cJSON_AddItemToObject(o, "machine", machine_key(host));
	cJSON_AddItemToObject(
		o, "recipe",
		sheet_recipe((double)m->warmup_ns, (double)m->duration_ns, (double)repeats));
	cJSON_AddItemToObject(o, "host", host);
	return o;
}

/* Said before minutes are spent on what cannot be judged. */
static void warn_of_few_runs(const struct run_gate *g, uint64_t repeats)
{
	if (repeats < PREDICT_RUNS_LEAST)
		fprintf(stderr,
			"uhbench: times are judged from %u runs of each cell on, and this session "
			"has %" PRIu64
			": give the matrix \"repeats\" of %u, and measure the baseline "
			"%s anew\n",
			PREDICT_RUNS_LEAST, repeats, PREDICT_RUNS, g->baseline);
}

static bool knows_any(const struct assess_side *base, const struct matrix *m)
{
	for (size_t i = 0; i < base->n; i++)
		for (size_t k = 0; k < m->n_cells; k++)
			if (sheet_cell(&base->sheets[i], m->cells[k]->id))
				return true;
	return false;
}

int run_gate_open(struct run_gate *g, const struct matrix *m, uint64_t repeats, const char *dir)
{
	_cleanup_json_ cJSON *now = NULL;
	int rc;

	if (!g->baseline)
		return VERB_GO_ON;
	rc = fail_on_read(&g->fail_on, &g->regressed, &g->inconclusive);
	if (rc == VERB_GO_ON)
		rc = stored_baseline_open(g->root, g->baseline, &g->base);
	if (rc != VERB_GO_ON)
		return rc;
	if (!knows_any(&g->base.side, m))
		return verb_fail(EXITCODE_NO_BASELINE,
				 "the baseline %s has no cell of this matrix: `uhbench baseline "
				 "show %s` tells which it has",
				 g->baseline, g->baseline);
	now = what_will_be(m, repeats, dir);
	warn_of_few_runs(g, repeats);
	return stored_compare_check(stored_side_what(&g->base), now, g->other_machine, g->advice);
}

void run_gate_close(struct run_gate *g)
{
	stored_side_close(&g->base);
}

/* For people, and for a forge that runs us. With --json stdout is the session's: stderr tells. */
static int tell(const cJSON *verdicts, const char *dir, bool json)
{
	struct err err = {""};
	int rc = json ? stored_write_verdicts(verdicts, dir)
		      : stored_print_verdicts(verdicts, dir, false);

	if (rc == VERB_GO_ON && json)
		fprintf(stderr, "%s\n",
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdicts, "line")));
	if (rc == VERB_GO_ON && verdict_publish(dir, stderr, &err))
		return verb_fail(EXITCODE_FAILURE, "%s", err.text);
	return rc;
}

int run_gate_judge(const struct run_gate *g, const struct registry *reg, const char *dir, bool json)
{
	_cleanup_(stored_side_close) struct stored_side head = {.baseline = NULL};
	_cleanup_json_ cJSON *verdicts = NULL;
	struct assess j = {.registry = reg,
			   .base = g->base.side,
			   .alpha = STORED_ALPHA,
			   .advice = g->advice[0] ? g->advice : NULL,
			   .forgive_regressed = !g->regressed,
			   .forgive_inconclusive = !g->inconclusive};
	struct err err;
	int rc = stored_session_open(dir, &head);

	if (rc != VERB_GO_ON)
		return EXITCODE_FAILURE; /* we have just written it */
	j.head = head.side;
	if (assess_verdicts(&j, &verdicts, &err))
		return verb_fail(EXITCODE_FAILURE, "%s", err.text);
	rc = tell(verdicts, dir, json);
	return rc == VERB_GO_ON ? stored_exit_code(verdicts) : rc;
}
