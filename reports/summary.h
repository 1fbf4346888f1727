/* SPDX-License-Identifier: MIT */
/*
 * What the records of a session say, cell by cell. One pass over runs.jsonl; kept are the values of
 * each metric (one double for each run), the histograms merged over the repeats (sparse, and only
 * when asked for), and what a reader must be told: problems, warnings, notes.
 *
 * Medians and ranges are over the runs that ended `ok` and were not watched by probes: those that
 * were are kept apart, and tell what watching cost.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/protocol.h"
#include "harness/util/err.h"
#include "reports/intern.h"

/* One axis or knob of a cell. Texts are interned: equal values have equal addresses. */
struct field {
	const char *name, *text;
	double number; /* NAN when the value is not a number */
	bool knob;
	const char *shown; /* as people write it: "64k", "200us" */
	bool known, plain; /* Is its default known? Does it stand there? (naming.h) */
};

struct metric_sum {
	const char *name, *unit, *better; /* interned */
	const char *reason;		  /* of the first null value; NULL if none */
	unsigned n, nulls;
	double *values; /* [n], in file order until summary_load has returned, then ascending */
};

struct hist_sum {
	const char *name; /* interned */
	uint64_t count, sum, min, max;
	unsigned n;	 /* buckets in use */
	uint16_t *index; /* ascending */
	uint64_t *counts;
};

/* Why figures of a cell deserve a second look; up to WARN_ERRORS not all that was asked for was
 * done, whatever the run's status says. */
enum warning {
	WARN_NOTHING, /* not one operation */
	WARN_OVERLOAD,
	WARN_LOSS,
	WARN_ERRORS,
	WARN_LITTLE,
	WARN_UNSTEADY,
	WARN_STEAL,
	WARN_FOREIGN,
	WARN_COUNT
};

enum figure_kind { FIGURE_THROUGHPUT, FIGURE_P50, FIGURE_P99, FIGURE_COUNT };
extern const char *const figure_metrics[FIGURE_COUNT];

struct run_figures { /* of an ok run, to compare it with its twin */
	double repeat;
	double value[FIGURE_COUNT];   /* NAN: not measured */
	double watched, watched_rate; /* probes_watched (reports/probes_fold.h) */
};

struct cell_sum {
	const char *id, *workload, *target; /* interned */
	char *json;			    /* the cell object as the record has it */
	unsigned position;		    /* in the matrix */
	unsigned n_fields, n_metrics, n_hists;
	struct field *fields; /* axes first, then knobs */
	struct metric_sum *metrics;
	struct hist_sum *hists;
	unsigned runs[STATUS_COUNT];
	unsigned warnings[WARN_COUNT]; /* runs that earned each */
	/* The worst: share never started, share lost, errors, ratio - 1, drift, share of a CPU. */
	double worst[WARN_COUNT];
	struct run_figures *figures; /* [n_figures] */
	unsigned n_figures;
	struct cell_sum *probed;   /* its runs with probes, apart from the others; NULL = none */
	struct probes_sum *probes; /* reports/probes_fold.h */
	cJSON *detail;		   /* reports/detail.h; NULL = none */
};

/* Runs of one cell that ended in the same way for the same reason, numbers aside. */
struct problem {
	const struct cell_sum *cell;
	enum status status;
	bool probed;
	char *reason, *worst; /* as in a note */
	unsigned count;
	unsigned first_repeat;
	cJSON *stall; /* threads of the first stalled run, NULL if none */
};

struct note {
	char *text, *worst; /* as the first run has it; with the largest number, if that differs */
	unsigned count;	    /* runs whose note differs from it in numbers at most */
	const struct cell_sum *cell; /* the first that said it */
};

struct summary {
	cJSON *manifest;
	struct intern texts;	 /* names and values */
	struct intern keys;	 /* cell ids, problems, notes: how they are found again */
	struct cell_sum **cells; /* in matrix order */
	struct problem *problems;
	struct note *notes;
	size_t n_cells, n_problems, n_notes;
	unsigned runs[STATUS_COUNT], n_runs;
	unsigned expected; /* runs of a complete session */
	unsigned torn;	   /* last lines that were cut short */
	double duration;   /* seconds spent in runs */
};

/* -EBADMSG, -ENOENT, ... with err filled. Histograms are merged only with `with_hists`. */
int summary_load(const char *dir, bool with_hists, struct summary **ret, struct err *err);
/* A second pass, with histograms and stacks, for the few cells whose probed->probes is `whole`. */
int summary_load_whole(struct summary *s, const char *dir, struct err *err);
void summary_free(struct summary *s);

unsigned cell_total(const struct cell_sum *cell); /* without probed ones */
const struct metric_sum *cell_metric(const struct cell_sum *cell, const char *name);
const struct hist_sum *cell_hist(const struct cell_sum *cell, const char *name);
const struct field *cell_field(const struct cell_sum *cell, const char *name, bool knob);

/* Over ascending values; NAN when there are none. No median either where a repeat could not tell:
 * those are the slow ones, and leaving them out would flatter. */
double metric_median(const struct metric_sum *m);
double metric_min(const struct metric_sum *m);
double metric_max(const struct metric_sum *m);
/* Median of the named metric, NAN when the cell has none. */
double cell_median(const struct cell_sum *cell, const char *name);

/* How many cells have earned a warning, and which one the worst of it (NULL if none). */
size_t warning_cells(const struct summary *s, enum warning kind, const struct cell_sum **worst);
/* Writes "throughput x latency is 7.1 % off the operations in flight (2 runs)" and the like. */
int warning_text(const struct cell_sum *cell, enum warning kind, char *buf, size_t size);
/* The same in a word or two, for a remark behind a row: "loss 0.8 %". */
int warning_word(const struct cell_sum *cell, enum warning kind, char *buf, size_t size);
/* Has some run of the cell left undone what was asked for? */
bool cell_undone(const struct cell_sum *cell);

static inline void cleanup_summary(struct summary **s)
{
	summary_free(*s);
}
