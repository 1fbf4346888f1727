/* SPDX-License-Identifier: MIT */
/* What a campaign asks, as data: scenarios, and the questions about each. */
#pragma once

#include "harness/gate/campaign.h"
#include "harness/gate/simulate.h"

enum campaign_world {
	WORLD_SAME,
	WORLD_REBUILT,
	WORLD_SLOWER3,
	WORLD_SLOWER5,
	WORLD_SLOWER10,
	WORLD_SLOWER_SEEN, /* by what gates of WORLD_SAME say they see */
	WORLD_MANY,
	WORLD_FASTER5,
	WORLD_SECOND,
	WORLD_FIXED,
	WORLD_SMALL,
	WORLD_BASE5_SAME, /* the stored gate: sessions of the baseline, ... */
	WORLD_BASE20_SAME,
	WORLD_BASE5_ONE, /* ... and of a single cell */
	WORLD_BASE20_ONE,
	WORLD_BASE20_SLOWER,
	WORLD_FEW5_SAME, /* as few runs as are judged */
	WORLD_FEW20_SAME,
	WORLD_FEW5_ONE,
	WORLD_FEW20_ONE,
	WORLD_FEW20_SLOWER,
	WORLD_SINGLE_SAME,
	WORLD_SINGLE_SLOWER5,
	WORLD_BLOCKS_SAME,
	WORLD_BLOCKS_SLOWER5,
	WORLD_STORED_SAME,
	WORLD_STORED_SLOWER5,
	WORLDS,
};

struct campaign_scenario {
	const char *design;
	int rival;		/* enum rival, or -1 for the gate */
	struct sim_world world; /* without noise; cells 0: as many as the campaign says */
	bool brief;		/* part of a brief campaign */
	unsigned times;		/* as many gates as the campaign says; 0: once. One cell is cheap */
};
extern const struct campaign_scenario campaign_scenarios[WORLDS];
#define CAMPAIGN_TIMES_MOST 5

/* What is asked of the outcomes of a scenario. */
enum campaign_measure {
	MEASURE_ALARMS,	      /* gates that called an innocent cell slower */
	MEASURE_EITHER,	      /* gates that called an innocent cell slower or faster */
	MEASURE_FOUND,	      /* gates that found the changed cell (which is the only one) */
	MEASURE_FASTER,	      /* gates that called the changed cell faster */
	MEASURE_CONTAMINATED, /* gates whose control cell gave the alarm */
	MEASURE_BLIND,	      /* gates with inconclusive cells that have no detectable effect */
	MEASURE_COVERED90,    /* of cells: the gate's interval holds the truth */
	MEASURE_COVERED95,
	MEASURE_INCONCLUSIVE, /* of innocent cells */
	MEASURE_MDE,	      /* mean over gates of the median over cells */
	MEASURE_MINUTES,      /* mean */
	MEASURE_MINUTES99,    /* that 99 % of the gates keep */
};

struct campaign_question {
	enum campaign_world scenario;
	enum campaign_measure measure;
	const char *title;
	double bar_low, bar_high; /* NAN: none */
	const char *bar_classes;  /* the bars are for these alone; NULL: for all */
	const char *exempt;	  /* why not for the others; NULL where they are for all */
};
extern const struct campaign_question campaign_questions[];
extern const size_t campaign_n_questions;

/* `row` knows its gates and its bars; the rest is filled in. -ENOMEM. */
int campaign_answer(const struct campaign_question *q, const struct sim_outcome *outcomes,
		    struct campaign_row *row);
