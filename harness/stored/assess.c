// SPDX-License-Identifier: MIT
/*
 * From predictions to verdicts. Gated metrics are one family of tests, advisory ones another, so
 * that looking at more does not hide what counts; within each, Holm over all cells and references,
 * for worse and for better apart. A row takes the reference that says the worse of it. Nothing is
 * `unchanged` that could not have been seen: where only half as much again would show, or the
 * baseline has too few sessions, it is inconclusive.
 */
#include "harness/stored/assess.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats/holm.h"
#include "harness/stored/assess_json.h"
#include "harness/stored/assess_rows.h"
#include "harness/util/cleanup.h"

#define FEW_EVENTS 10 /* of a run, that nobody minds where there were none */

/* The tests of one family, and to which finding each belongs. */
struct family {
	double *worse, *better, *worse_adjusted, *better_adjusted;
	bool *worse_rejected, *better_rejected;
	struct assess_finding **findings;
	struct assess_row **rows;
	size_t n;
};

static void family_free(struct family *f)
{
	free(f->worse);
	free(f->better);
	free(f->worse_adjusted);
	free(f->better_adjusted);
	free(f->worse_rejected);
	free(f->better_rejected);
	free(f->findings);
	free(f->rows);
}

static int family_room(struct family *f, size_t room)
{
	*f = (struct family){.worse = calloc(room, sizeof(double)),
			     .better = calloc(room, sizeof(double)),
			     .worse_adjusted = calloc(room, sizeof(double)),
			     .better_adjusted = calloc(room, sizeof(double)),
			     .worse_rejected = calloc(room, sizeof(bool)),
			     .better_rejected = calloc(room, sizeof(bool)),
			     .findings = calloc(room, sizeof(void *)),
			     .rows = calloc(room, sizeof(void *))};
	return f->worse && f->better && f->worse_adjusted && f->better_adjusted &&
			       f->worse_rejected && f->better_rejected && f->findings && f->rows
		       ? 0
		       : -ENOMEM;
}

/* Enough sessions and operations, a value in the head, a deviation: else there is no test. */
static bool testable(const struct assess_row *row, const struct assess_finding *f)
{
	return f->predicted.n_base >= PREDICT_LEAST && isfinite(f->predicted.p_worse) &&
	       assess_operations_missing(row) <= 0 &&
	       assess_runs_below(row, PREDICT_RUNS_LEAST) == 0;
}

static void gather(struct assess_rows *rows, bool gated, struct family *f)
{
	for (size_t i = 0; i < rows->n; i++) {
		for (int ref = 0; ref < REFERENCE_COUNT; ref++) {
			struct assess_finding *finding = &rows->rows[i].findings[ref];

			if (!rows->use[ref] || rows->rows[i].gated != gated ||
			    !testable(&rows->rows[i], finding))
				continue;
			f->worse[f->n] = finding->predicted.p_worse;
			f->better[f->n] = finding->predicted.p_better;
			f->findings[f->n] = finding;
			f->rows[f->n++] = &rows->rows[i];
		}
	}
}

static double fraction(const struct assess_row *row, double d)
{
	return effect_fraction(&row->effect, d);
}

/* Of a count that no session ever had a few events are not much, whatever their share. */
static double blind(const struct assess_finding *f)
{
	return f->worth > 0 ? fmax(PREDICT_BLIND, FEW_EVENTS / f->worth) : PREDICT_BLIND;
}

static void explain_blindness(double estimate, double sees, struct assess_finding *f)
{
	if (estimate >= sees)
		snprintf(f->why, sizeof(f->why),
			 "%+.1f %% is more than chance, but not all of its runs are worse: a "
			 "further session will tell",
			 100 * estimate);
	else
		snprintf(f->why, sizeof(f->why),
			 "the sessions of the baseline lie so far apart that only a change of "
			 "%.0f %% would show",
			 100 * sees);
}

static void assess_tested(const struct assess_row *row, bool worse, bool better,
			  struct assess_finding *f)
{
	static const enum assess_verdict verdicts[] = {
		[GATE_REGRESSED] = ASSESS_REGRESSED,
		[GATE_IMPROVED] = ASSESS_IMPROVED,
		[GATE_UNCHANGED] = ASSESS_UNCHANGED,
		[GATE_INCONCLUSIVE] = ASSESS_INCONCLUSIVE,
	};
	struct predict_call call = {.worse = worse,
				    .better = better,
				    .estimate = fraction(row, f->predicted.estimate),
				    .sees = fraction(row, f->reach),
				    .matters = row->matters,
				    .blind = blind(f)};

	f->verdict = verdicts[predict_verdict(&call)];
	if (f->verdict == ASSESS_INCONCLUSIVE)
		explain_blindness(call.estimate, call.sees, f);
}

static int assess_family(struct assess_rows *rows, bool gated, double alpha)
{
	_cleanup_(family_free) struct family f;
	int r = family_room(&f, rows->n * REFERENCE_COUNT + 1);

	if (r)
		return r;
	gather(rows, gated, &f);
	r = holm(f.worse, f.n, alpha, f.worse_rejected, f.worse_adjusted);
	if (!r)
		r = holm(f.better, f.n, alpha, f.better_rejected, f.better_adjusted);
	for (size_t i = 0; !r && i < f.n; i++) {
		f.findings[i]->reach =
			predict_reach(&f.findings[i]->predicted, alpha / (double)f.n);
		f.findings[i]->p_worse_adjusted = f.worse_adjusted[i];
		f.findings[i]->p_better_adjusted = f.better_adjusted[i];
		assess_tested(f.rows[i], f.worse_rejected[i], f.better_rejected[i], f.findings[i]);
	}
	return r;
}

/* A cell that failed in the head is worse than one that is not known. One that could not run is
 * skipped only where it never could: what the baseline has measured has stopped to run. */
static void assess_broken(const struct assess_row *row, struct assess_finding *f)
{
	const cJSON *broken = assess_cell_broken(row->line);
	const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(broken, "reason"));

	why = why ? why : "";
	if (!assess_cell_failed(row->line) && f->predicted.n_base) {
		f->verdict = ASSESS_INCONCLUSIVE;
		snprintf(f->why, sizeof(f->why), "%u session%s of the baseline %s it, now: %s",
			 f->predicted.n_base, f->predicted.n_base == 1 ? "" : "s",
			 f->predicted.n_base == 1 ? "has" : "have", why);
		return;
	}
	f->verdict = assess_cell_failed(row->line) ? ASSESS_FAILED : ASSESS_SKIPPED;
	snprintf(f->why, sizeof(f->why), "%s", why);
}

static void assess_untested(const struct assess_row *row, struct assess_finding *f)
{
	const struct predict_result *p = &f->predicted;
	unsigned missing = PREDICT_LEAST - min_of(p->n_base, PREDICT_LEAST);

	f->verdict = ASSESS_INCONCLUSIVE;
	if (!p->n_base)
		snprintf(f->why, sizeof(f->why), "no session of the baseline has it");
	else if (assess_operations_missing(row) > 0)
		snprintf(f->why, sizeof(f->why),
			 "its runs are %.0f operations short of what it takes",
			 assess_operations_missing(row));
	else if (assess_runs_below(row, PREDICT_RUNS_LEAST))
		snprintf(f->why, sizeof(f->why),
			 "a burst of the machine's in a single run cannot be told from a change: "
			 "%u more of each cell will do",
			 assess_runs_below(row, PREDICT_RUNS_LEAST));
	else if (!p->n_head)
		snprintf(f->why, sizeof(f->why), "this session has no value of it");
	else
		snprintf(f->why, sizeof(f->why),
			 "the baseline has %u session%s of it: %u more %s needed", p->n_base,
			 p->n_base == 1 ? "" : "s", missing, missing == 1 ? "is" : "are");
}

/* The newest sessions decide. Pinned ones do where they show a leak: that they are few, and see
 * less, takes nothing from what the newest see. */
static bool overrules(const struct assess_row *row, const struct assess_finding *pinned)
{
	const struct assess_finding *recent = &row->findings[REFERENCE_RECENT];

	return testable(row, pinned) &&
	       (pinned->verdict == ASSESS_REGRESSED || !testable(row, recent));
}

static void assess_rest(struct assess_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct assess_row *row = &rows->rows[i];

		for (int ref = 0; ref < REFERENCE_COUNT; ref++) {
			struct assess_finding *f = &row->findings[ref];

			if (!rows->use[ref])
				continue;
			if (assess_cell_broken(row->line))
				assess_broken(row, f);
			else if (!testable(row, f))
				assess_untested(row, f);
			if (ref == REFERENCE_RECENT || overrules(row, f))
				row->decides = (enum assess_reference)ref;
		}
	}
}

int assess_verdicts(const struct assess *j, cJSON **ret, struct err *err)
{
	_cleanup_(assess_rows_free) struct assess_rows rows = {.rows = NULL};
	int r = assess_rows_make(j, &rows, err);

	if (!r)
		r = assess_rows_predict(j, &rows, err);
	if (r)
		return r;
	r = assess_family(&rows, true, j->alpha);
	if (!r)
		r = assess_family(&rows, false, j->alpha);
	if (r)
		return err_sys(err, r, "gate");
	assess_rest(&rows);
	*ret = assess_json(j, &rows);
	return 0;
}
