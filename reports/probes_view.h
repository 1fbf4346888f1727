/* SPDX-License-Identifier: MIT */
/*
 * A `probes` object and what its figures are divided by, with the questions that the text and the
 * HTML both ask of it. A probe that is absent, or not `ok`, answers with NULL or NAN.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct probes_view {
	const cJSON *probes;
	double ops;	  /* operations in the window(s); NAN or 0: none are known */
	double window_ns; /* length of the window(s), summed over runs */
	bool total;	  /* show figures as they are, and not by operation or second */
	unsigned frames;  /* most of a flame graph; 0: 1000 */
};

#define VIEW_CLASSES  16
#define CLOSURE_LEAST 0.95 /* the classes of a role come to its wall time, within 5 % */
#define CLOSURE_MOST  1.05

/* One class of time, in the order of the bar. */
struct view_class {
	const char *key, *name; /* "run_queue", "run queue" */
	const char *says;	/* what a reader must know, for a tip */
};
extern const struct view_class view_classes[]; /* ended by a NULL key */

struct view_part {
	const struct view_class *cls;
	double ns, count;   /* NAN where not known */
	double share;	    /* of the wall time of the role's threads */
	const char *reason; /* why ns is not known; else NULL */
};

/* Where the time of a role went. */
struct view_role {
	const char *name;
	double threads, wall_ns, voluntary, involuntary;
	double sum_ns;	/* of the parts */
	double closure; /* as recorded, else sum over wall; NAN if neither */
	bool checked;	/* in every repeat it compares figures of two sources */
	struct view_part parts[VIEW_CLASSES];
	unsigned n_parts; /* in the order of view_classes; unknown ones last */
};

/* The view for the figures of one probe: where it was ok in some of the folded runs only,
 * operations and window are those of these. */
struct probes_view view_for(const struct probes_view *v, const char *probe);
/* A probe's object when it is there and ok; NULL. */
const cJSON *view_probe(const struct probes_view *v, const char *name);
/* An array inside it; NULL when there is none or it is empty. */
const cJSON *view_rows(const struct probes_view *v, const char *probe, const char *key);
/* The n-th role of sched (false: no more). */
bool view_role(const struct probes_view *v, unsigned n, struct view_role *ret);
/* Orders parts by time, most first; unknown ones last. */
void view_sort(struct view_role *role);
/* The n-th reason why classes are not known, with their names: "pipe, poll". NULL: no more. */
const char *view_unknown(const struct view_role *role, unsigned n, char *names, size_t size);
/* "closure 98.7 %", or "closure 98.7 % (unchecked)": the probe's own sum, which proves little. */
#define CLOSURE_TEXT 40
const char *view_closure_text(const struct view_role *role, char buf[CLOSURE_TEXT]);

/* ns for each operation, for each second of the window where operations are not known, or all. */
double view_per_op(const struct probes_view *v, double ns);
/* "per op", "per second" or "in total". */
const char *view_per(const struct probes_view *v);

/* The object that holds count, sum_ns, max_ns and slots of a row: the row, or its `key`. */
const cJSON *view_tally(const cJSON *row, const char *key);
/* Time of the waits of a futex's row that slept; NAN where sleeping was not seen. */
double view_futex_ns(const cJSON *row);
double view_mean(const cJSON *tally);
/* Upper end of the power of two that holds the quantile; NAN when empty. */
double view_quantile(const cJSON *tally, double q);
/* Quantile of a full histogram, NAN when empty or absent. */
double view_hist_quantile(const cJSON *hist, double q);
/* Quantile of a time (`complete`, `reap`, `total`) of an opcode of a ring: "33.0 us", or, where the
 * opcode's histogram is that of several rings or is missing, the upper end alone: "< 65.5 us". */
#define VIEW_TIME_MAX 48
const char *view_uring_time(char buf[VIEW_TIME_MAX], const struct probes_view *v, const cJSON *row,
			    const char *time, double q, bool utf8);

/* "the first 37 % of the window", with more repeats than one "the first 37 % of the window at least
 * (all of it in 1 of 3 runs)". "" where all of it was watched. */
#define VIEW_SHARE_MAX 120
const char *view_share_text(const cJSON *probe, char buf[VIEW_SHARE_MAX]);
/* The ok probe that watched the smallest share of the window; NULL when all watched all of it. */
const cJSON *view_least_watched(const struct probes_view *v);

/* Which user stacks of sched are missing or end early, and why: "7 of 1500 user stacks are missing:
 * no memory (7)". "" when all are whole. */
const char *view_stack_losses(const struct probes_view *v, char *buf, size_t size);

/* The frame of a stack that says most: the first function of a program after those of the C
 * library's locks, else the innermost one. "" when there is none. */
const char *view_frame(const cJSON *stack);
/* The same of the first of several [{stack, ...}]. */
const char *view_top_frame(const cJSON *stacks);
/* Share of the window that the programs ran, over one CPU; NAN when not known. */
double view_cost(const struct probes_view *v, const char *probe);
