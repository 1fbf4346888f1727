// SPDX-License-Identifier: MIT
/*
 * The table of a campaign: which worlds are simulated, what is asked of each, and which bar the
 * answer has to reach. Each is a row of data; judging is the same for all.
 */
#include "harness/gate/campaign_rows.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "harness/gate/predict.h"
#include "harness/gate/rivals.h"
#include "harness/stats/dist.h"
#include "harness/stats/spread.h"
#include "harness/util/cleanup.h"
#include "harness/util/order.h"

#define SMALL_CELLS 24

/* clang-format off */
const struct campaign_scenario campaign_scenarios[WORLDS] = {
	[WORLD_SAME]           = {"the gate", -1, {.cells = 0}, .brief = true},
	[WORLD_REBUILT]        = {"the gate", -1, {.everywhere = 0.01}},
	[WORLD_SLOWER3]        = {"the gate", -1, {.changed = 1, .effect = 0.03}},
	[WORLD_SLOWER5]        = {"the gate", -1, {.changed = 1, .effect = 0.05}, .brief = true},
	[WORLD_SLOWER10]       = {"the gate", -1, {.changed = 1, .effect = 0.10}},
	[WORLD_SLOWER_SEEN]    = {"the gate", -1, {.changed = 1}},
	[WORLD_MANY]           = {"the gate", -1, {.changed = 10, .effect = 0.10}},
	[WORLD_FASTER5]        = {"the gate", -1, {.changed = 1, .effect = -0.05,
						   .improvements = true}},
	[WORLD_SECOND]         = {"the gate", -1, {.second = 0.02}, .brief = true},
	[WORLD_FIXED]          = {"the gate, base always first", -1, {.second = 0.02,
								      .fixed_order = true},
				  .brief = true},
	[WORLD_SMALL]          = {"the gate", -1, {.cells = SMALL_CELLS}},
#define STORED_GATE(SESSIONS, REPEATS, ...)                                                         \
	{"the stored gate", -1, {.sessions = SESSIONS, .repeats = REPEATS, __VA_ARGS__}}
#define STORED_CELL(SESSIONS, REPEATS)                                                              \
	{"the stored gate", -1, {.sessions = SESSIONS, .repeats = REPEATS, .cells = 1},             \
	 .times = CAMPAIGN_TIMES_MOST}
	[WORLD_BASE5_SAME]     = STORED_GATE(5, PREDICT_RUNS),
	[WORLD_BASE20_SAME]    = STORED_GATE(20, PREDICT_RUNS),
	[WORLD_BASE5_ONE]      = STORED_CELL(5, PREDICT_RUNS),
	[WORLD_BASE20_ONE]     = STORED_CELL(20, PREDICT_RUNS),
	[WORLD_BASE20_SLOWER]  = STORED_GATE(20, PREDICT_RUNS, .changed = 1, .effect = 0.5),
	[WORLD_FEW5_SAME]      = STORED_GATE(5, PREDICT_RUNS_LEAST),
	[WORLD_FEW20_SAME]     = STORED_GATE(20, PREDICT_RUNS_LEAST),
	[WORLD_FEW5_ONE]       = STORED_CELL(5, PREDICT_RUNS_LEAST),
	[WORLD_FEW20_ONE]      = STORED_CELL(20, PREDICT_RUNS_LEAST),
	[WORLD_FEW20_SLOWER]   = STORED_GATE(20, PREDICT_RUNS_LEAST, .changed = 1, .effect = 0.5),
#define RIVAL_ROWS(NAME, WHICH, DESIGN)                                                           \
	[WORLD_##NAME##_SAME]    = {DESIGN, WHICH, {.cells = 0}, .brief = true},                  \
	[WORLD_##NAME##_SLOWER5] = {DESIGN, WHICH, {.changed = 1, .effect = 0.05}}
	RIVAL_ROWS(SINGLE, RIVAL_SINGLE, "one run against a stored one, limit 10 %"),
	RIVAL_ROWS(BLOCKS, RIVAL_BLOCKS, "11 of base, then 11 of head, Mann-Whitney"),
	RIVAL_ROWS(STORED, RIVAL_STORED, "11 against 11 stored ones, Welch"),
};

#define NO_BAR	   NAN, NAN, NULL, NULL
#define AT_MOST(x) NAN, x, NULL, NULL
#define POWER	   0.95, NAN, "quiet ci", "60 pairs are too few for 5 % where a run varies by 4 % and more"
#define SEEN	   0.95, NAN, "quiet ci", "60 pairs of bursts tell too little of the noise: it is underestimated"
#define DECIDED	   NAN, 0.05, "quiet ci", "what cannot be seen in 60 pairs is told to be inconclusive"
#define MEAN(x)	   NAN, x, "quiet ci", "suspects by noise take up to 60 pairs each; --budget ends a gate in time"
#define P99(x)	   NAN, x, "quiet", "suspects by noise take up to 60 pairs each; --budget ends a gate in time"
const struct campaign_question campaign_questions[] = {
	{WORLD_SAME,     MEASURE_ALARMS,       "A/A: gates with an alarm, %",                AT_MOST(0.01)},
	{WORLD_REBUILT,  MEASURE_ALARMS,       "all cells +1 %, the margin: with an alarm, %", NO_BAR},
	{WORLD_SLOWER3,  MEASURE_FOUND,        "one cell +3 %: found, %",                    NO_BAR},
	{WORLD_SLOWER5,  MEASURE_FOUND,        "one cell +5 %: found, %",                    POWER},
	{WORLD_SLOWER10, MEASURE_FOUND,        "one cell +10 %: found, %",                   NO_BAR},
	{WORLD_FASTER5,  MEASURE_FASTER,       "one cell -5 %, confirmed: found, %",         NO_BAR},
	{WORLD_SLOWER5,  MEASURE_ALARMS,       "beside +5 %: innocents flagged, % of gates", AT_MOST(0.01)},
	{WORLD_MANY,     MEASURE_ALARMS,       "beside ten of +10 %: the same",              AT_MOST(0.01)},
	{WORLD_FASTER5,  MEASURE_EITHER,       "beside -5 %: flagged either way",            AT_MOST(0.01)},
	{WORLD_SAME,     MEASURE_COVERED95,    "A/A: 95 % intervals with the truth, %",      0.93, 0.98, NULL, NULL},
	{WORLD_MANY,     MEASURE_COVERED95,    "ten of +10 %: the same",                     0.93, 0.98, NULL, NULL},
	{WORLD_SAME,     MEASURE_COVERED90,    "A/A: 90 % intervals, which verdicts use, %", 0.90, NAN, NULL, NULL},
	{WORLD_SAME,     MEASURE_INCONCLUSIVE, "A/A: inconclusive cells, %",                 DECIDED},
	{WORLD_SAME,     MEASURE_BLIND,        "... lacking a detectable effect, % of gates", AT_MOST(0.01)},
	{WORLD_SAME,     MEASURE_MDE,          "A/A: detectable effect, median of cells, %", NO_BAR},
	{WORLD_SLOWER_SEEN, MEASURE_FOUND,     "one cell slower by that: found, %",          SEEN},
	{WORLD_SAME,     MEASURE_CONTAMINATED, "A/A: gates refused by their control, %",     NO_BAR},
	{WORLD_SECOND,   MEASURE_ALARMS,       "second of a pair +2 %: with an alarm, %",    AT_MOST(0.01)},
	{WORLD_SAME,     MEASURE_MINUTES,      "minutes, at 0.5 s a run: mean",              MEAN(25)},
	{WORLD_SAME,     MEASURE_MINUTES99,    "minutes that 99 % of the gates keep",           P99(25)},
	{WORLD_SMALL,    MEASURE_MINUTES,      "24 cells: minutes, mean",                    MEAN(6)},
	{WORLD_SMALL,    MEASURE_MINUTES99,    "24 cells: minutes that 99 % keep",           P99(6)},
	{WORLD_BASE5_SAME,  MEASURE_ALARMS,    "A/A, 5 sessions of 5 runs: with an alarm, %",   AT_MOST(0.01)},
	{WORLD_BASE20_SAME, MEASURE_ALARMS,    "A/A, 20 sessions of 5 runs: the same",       AT_MOST(0.01)},
	{WORLD_BASE5_ONE,   MEASURE_ALARMS,    "A/A, one cell, 5 sessions of 5: the same",   AT_MOST(0.01)},
	{WORLD_BASE20_ONE,  MEASURE_ALARMS,    "A/A, one cell, 20 sessions of 5: the same",  AT_MOST(0.01)},
	{WORLD_BASE20_SAME, MEASURE_MDE,       "A/A, 20 sessions of 5: what would show, %",       NO_BAR},
	{WORLD_BASE20_SLOWER, MEASURE_FOUND,   "one cell +50 %, 20 sessions of 5: found, %",      NO_BAR},
	{WORLD_FEW5_SAME,   MEASURE_ALARMS,    "A/A, 5 sessions of 3 runs: with an alarm, %",   AT_MOST(0.01)},
	{WORLD_FEW20_SAME,  MEASURE_ALARMS,    "A/A, 20 sessions of 3 runs: the same",       AT_MOST(0.01)},
	{WORLD_FEW5_ONE,    MEASURE_ALARMS,    "A/A, one cell, 5 sessions of 3: the same",   AT_MOST(0.01)},
	{WORLD_FEW20_ONE,   MEASURE_ALARMS,    "A/A, one cell, 20 sessions of 3: the same",  AT_MOST(0.01)},
	{WORLD_FEW20_SAME,  MEASURE_MDE,       "A/A, 20 sessions of 3: what would show, %",  NO_BAR},
	{WORLD_FEW20_SLOWER, MEASURE_FOUND,    "one cell +50 %, 20 sessions of 3: found, %", NO_BAR},
	{WORLD_FIXED,    MEASURE_ALARMS,       "second of a pair +2 %: with an alarm, %",    NO_BAR},
	{WORLD_FIXED,    MEASURE_CONTAMINATED, "... refused by their control, %",            NO_BAR},
	{WORLD_SINGLE_SAME,    MEASURE_ALARMS, "A/A: gates with an alarm, %",                NO_BAR},
	{WORLD_SINGLE_SLOWER5, MEASURE_FOUND,  "one cell +5 %: found, %",                    NO_BAR},
	{WORLD_BLOCKS_SAME,    MEASURE_ALARMS, "A/A: gates with an alarm, %",                NO_BAR},
	{WORLD_BLOCKS_SLOWER5, MEASURE_FOUND,  "one cell +5 %: found, %",                    NO_BAR},
	{WORLD_STORED_SAME,    MEASURE_ALARMS, "A/A: gates with an alarm, %",                NO_BAR},
	{WORLD_STORED_SLOWER5, MEASURE_FOUND,  "one cell +5 %: found, %",                    NO_BAR},
};
/* clang-format on */
const size_t campaign_n_questions = array_size(campaign_questions);

static unsigned sum(const unsigned *verdicts)
{
	unsigned n = 0;

	for (int i = 0; i <= GATE_INCONCLUSIVE; i++)
		n += verdicts[i];
	return n;
}

static double minutes(const struct sim_outcome *o)
{
	return 2 * o->pairs * CAMPAIGN_RUN_SEC / 60;
}

/* Of one gate: 0 or 1 for what gates are counted by. */
static double value_of(const struct sim_outcome *o, enum campaign_measure measure)
{
	double cells = sum(o->innocent) + sum(o->changed);

	switch (measure) {
	case MEASURE_ALARMS:
		return o->innocent[GATE_REGRESSED] > 0;
	case MEASURE_EITHER:
		return o->innocent[GATE_REGRESSED] + o->innocent[GATE_IMPROVED] > 0;
	case MEASURE_FOUND:
		return o->changed[GATE_REGRESSED] > 0;
	case MEASURE_FASTER:
		return o->changed[GATE_IMPROVED] > 0;
	case MEASURE_CONTAMINATED:
		return o->contaminated;
	case MEASURE_BLIND:
		return o->without_mde > 0;
	case MEASURE_COVERED90:
		return o->covered90 / cells;
	case MEASURE_COVERED95:
		return o->covered95 / cells;
	case MEASURE_INCONCLUSIVE:
		return o->innocent[GATE_INCONCLUSIVE] / (double)sum(o->innocent);
	case MEASURE_MDE:
		return o->mde;
	case MEASURE_MINUTES:
	case MEASURE_MINUTES99:
		return minutes(o);
	}
	return NAN;
}

static void bound_share(struct campaign_row *row)
{
	row->low = dist_share_lower(row->hits, row->gates, CAMPAIGN_LEVEL);
	row->high = dist_share_upper(row->hits, row->gates, CAMPAIGN_LEVEL);
}

/* Where all gates are alike their spread says nothing, and each counts as one trial. */
static void bound_mean(struct campaign_row *row, const double *v)
{
	double n = (double)row->gates, deviation = spread_deviation(v, row->gates);
	double margin = dist_t_quantile(CAMPAIGN_LEVEL, n - 1) * deviation / sqrt(n);

	row->low = row->value - margin;
	row->high = row->value + margin;
	if (row->unit == CAMPAIGN_SHARE && !(deviation > 0)) {
		row->hits = (size_t)llround(row->value * n);
		bound_share(row);
	}
}

/* The smallest value that 99 of 100 do not exceed. Sorts. */
static double quantile99(double *v, size_t n)
{
	order_sort(v, n);
	return v[n - 1 - n / 100];
}

static void judge(struct campaign_row *row)
{
	bool missed = row->high < row->bar_low || row->low > row->bar_high;
	bool ok = !(row->low < row->bar_low) && !(row->high > row->bar_high);

	if (isnan(row->bar_low) && isnan(row->bar_high))
		row->state = CAMPAIGN_NO_BAR;
	else
		row->state = missed ? CAMPAIGN_MISSED : ok ? CAMPAIGN_OK : CAMPAIGN_FEW;
}

static enum campaign_unit unit_of(enum campaign_measure measure)
{
	switch (measure) {
	case MEASURE_MINUTES:
	case MEASURE_MINUTES99:
		return CAMPAIGN_MINUTES;
	case MEASURE_MDE:
		return CAMPAIGN_EFFECT;
	default:
		return CAMPAIGN_SHARE;
	}
}

int campaign_answer(const struct campaign_question *q, const struct sim_outcome *outcomes,
		    struct campaign_row *row)
{
	_cleanup_free_ double *v = calloc(row->gates, sizeof(*v));

	if (!v)
		return -ENOMEM;
	row->unit = unit_of(q->measure);
	for (size_t i = 0; i < row->gates; i++) {
		v[i] = value_of(&outcomes[i], q->measure);
		row->hits += v[i] == 1;
	}
	row->value = spread_mean(v, row->gates);
	if (q->measure == MEASURE_MINUTES99)
		row->value = row->low = row->high = quantile99(v, row->gates);
	else if (q->measure < MEASURE_COVERED90)
		bound_share(row);
	else
		bound_mean(row, v);
	judge(row);
	return 0;
}
