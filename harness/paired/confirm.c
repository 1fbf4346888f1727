// SPDX-License-Identifier: MIT
/*
 * Confirming costs pairs for what fails nothing. So it is for counts, which hardly scatter, of
 * which the first stage left no doubt, and in few cells.
 */
#include "harness/paired/confirm.h"

#include <math.h>

#include "harness/util/cleanup.h"

#define CONFIRMED_LEAST 2    /* cells */
#define CONFIRMED_SHARE 5    /* one of five */
#define STRIKING_P	1e-3 /* of 10 pairs: all of them worse, one in 1024 where nothing is */

bool confirm_strikes(const struct judge *j, const struct judged_metric *m)
{
	struct gate_result r = gate_result(m->gate, m->series);

	return m->effect.count && j->past_stage1 && r.stage == GATE_IN_STAGE2 &&
	       r.p1 <= STRIKING_P && fabs(r.estimate) >= m->target.matters &&
	       !cJSON_GetObjectItemCaseSensitive(j->json, "log");
}

static double most_striking(const struct judge *j, const struct judged_cell *c)
{
	double most = 0;

	for (size_t k = 0; k < c->n; k++)
		if (!c->metrics[k].gated && confirm_strikes(j, &c->metrics[k]))
			most = fmax(most, fabs(gate_result(c->metrics[k].gate, c->metrics[k].series)
						       .estimate));
	return most;
}

/* Not of all cells, or a head with a system call more for each operation would make the gate last
 * for hours: of those in which most has changed. */
void confirm_choose(struct judge *j)
{
	size_t room = max_of((size_t)CONFIRMED_LEAST, j->n / CONFIRMED_SHARE);

	for (; room; room--) {
		struct judged_cell *worst = NULL;
		double most = 0;

		for (size_t i = 0; i < j->n; i++) {
			double s = j->cells[i].confirmed ? 0 : most_striking(j, &j->cells[i]);

			if (s > most) {
				most = s;
				worst = &j->cells[i];
			}
		}
		if (!worst)
			return;
		worst->confirmed = true;
	}
}
