// SPDX-License-Identifier: MIT
/*
 * The figures of the logs of a folder, and what is concluded from them: a machine on which gates
 * without a difference give more alarms than they may, or whose pairs do not follow the coin, is
 * no machine for a gate, whatever it finds.
 */
#include "harness/calibrate/calibrate.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/calibrate/figures.h"
#include "harness/exitcode.h"
#include "harness/host/machine.h"
#include "harness/paired/paired.h"
#include "harness/stats/dist.h"
#include "harness/util/cleanup.h"

#define COVERAGE_MIN 0.93

static void cleanup_cut(struct cut **c)
{
	cut_free(*c);
}

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number(const cJSON *o, const char *key)
{
	const cJSON *item = at(o, key);

	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static void copy(cJSON *to, const char *key, const cJSON *from)
{
	const cJSON *item = at(from, key);

	cJSON_AddItemToObject(to, key, item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull());
}

static void add_check(cJSON *checks, const char *name, bool ok, const char *says)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "check", name);
	cJSON_AddBoolToObject(o, "ok", ok);
	cJSON_AddStringToObject(o, "says", says);
	cJSON_AddItemToArray(checks, o);
}

/* A p that cannot be told refutes nothing. */
static bool holds(double p)
{
	return !(p < CALIBRATION_CHECK_P);
}

static void add_checks(cJSON *o, double alpha)
{
	cJSON *checks = cJSON_AddArrayToObject(o, "checks");
	const cJSON *covered = at(at(o, "coverage"), "95");
	double hits = number(covered, "hits"), of = number(covered, "of");
	/* P(so few or fewer) where the share is COVERAGE_MIN. */
	double p = 1 - dist_binomial_upper((uint64_t)hits + 1, (uint64_t)of, COVERAGE_MIN);

	add_check(checks, "alarms", !(number(at(o, "alarms"), "low") > alpha),
		  "gates without a difference give alarms no more often than alpha allows");
	add_check(checks, "uniform", holds(number(at(o, "uniform"), "p")),
		  "p-values of gates without a difference are uniform");
	add_check(checks, "symmetry", holds(number(at(o, "symmetry"), "p")),
		  "estimates are above 0 as often as below");
	add_check(checks, "coverage", holds(p),
		  "95 % intervals hold 0 in 93 % of the cases at least");
}

static bool all_hold(const cJSON *checks)
{
	const cJSON *c;

	cJSON_ArrayForEach (c, checks)
		if (!cJSON_IsTrue(at(c, "ok")))
			return false;
	return true;
}

static void add_same(cJSON *o, const struct cut *c)
{
	const char *seed = cJSON_GetStringValue(at(c->gate, "seed"));
	cJSON *coverage;
	size_t inconclusive = 0;

	for (size_t i = 0; i < c->n_gates * c->n_series; i++)
		inconclusive += c->samples[i].result.verdict == GATE_INCONCLUSIVE;
	cJSON_AddItemToObject(o, "alarms",
			      figures_share(figures_gates_with(c, GATE_REGRESSED), c->n_gates));
	cJSON_AddItemToObject(o, "improved",
			      figures_share(figures_gates_with(c, GATE_IMPROVED), c->n_gates));
	cJSON_AddItemToObject(o, "inconclusive",
			      figures_share(inconclusive, c->n_gates * c->n_series));
	cJSON_AddItemToObject(o, "uniform",
			      figures_uniform(c, seed ? strtoull(seed, NULL, 10) : 0));
	cJSON_AddItemToObject(o, "symmetry", figures_symmetry(c));
	coverage = cJSON_AddObjectToObject(o, "coverage");
	cJSON_AddItemToObject(coverage, "90", figures_coverage(c, 0));
	cJSON_AddItemToObject(coverage, "95", figures_coverage(c, 1));
	cJSON_AddItemToObject(o, "margin", figures_margin(c));
	figures_add(o, "sees", figures_sees(c));
	cJSON_AddItemToObject(o, "cells", figures_series(c));
	add_checks(o, number(at(c->gate, "params"), "alpha"));
}

/* {log, slow, set, gates, found, cells} of a log in which head is known to be another. */
static cJSON *describe_power(const struct cut *c, const char *name)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "log", name);
	copy(o, "slow", at(c->gate, "log"));
	cJSON_AddItemToObject(o, "base_set", cJSON_Duplicate(at(at(c->gate, "base"), "set"), 1));
	cJSON_AddItemToObject(o, "head_set", cJSON_Duplicate(at(at(c->gate, "head"), "set"), 1));
	cJSON_AddNumberToObject(o, "gates", (double)c->n_gates);
	cJSON_AddNumberToObject(o, "unjudged", (double)c->unjudged);
	copy(o, "params", c->gate);
	cJSON_AddItemToObject(o, "cells", figures_series(c));
	return o;
}

static void conclude(cJSON *o, const char *failed, size_t least_gates, bool disturbed)
{
	bool few = least_gates < CALIBRATION_GATES_MIN && !disturbed;
	bool restless = disturbed || (at(o, "checks") && !all_hold(at(o, "checks")));
	const char *verdict = failed[0]	 ? "failed"
			      : few	 ? "too few gates"
			      : restless ? "restless"
					 : "calibrated";
	int exit = failed[0]  ? EXITCODE_FAILURE
		   : few      ? EXITCODE_INCONCLUSIVE
		   : restless ? EXITCODE_ENVIRONMENT
			      : EXITCODE_OK;

	cJSON_AddStringToObject(o, "verdict", verdict);
	cJSON_AddNumberToObject(o, "exit_code", exit);
	cJSON_AddItemToObject(o, "failed",
			      failed[0] ? cJSON_CreateString(failed) : cJSON_CreateNull());
}

struct logs {
	const char *dir;
	cJSON *calibration, *power;
	size_t least_gates;
	bool disturbed; /* more gates of a log said nothing than said something */
	char failed[256];
	unsigned n;
};

static void add_head(cJSON *o, const cJSON *gate)
{
	copy(o, "uhbench", gate);
	copy(o, "name", gate);
	copy(o, "started", gate);
	cJSON_AddItemToObject(o, "machine", machine_key(at(gate, "host")));
}

static int add_log(struct logs *l, const char *name, struct err *err)
{
	_cleanup_(cleanup_cut) struct cut *cut = NULL;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%.3000s/%.255s", l->dir, name);
	if (!paired_is_folder(path))
		return 0;
	r = cut_read(path, &cut, err);
	if (r)
		return r;
	if (!l->n++)
		add_head(l->calibration, cut->gate);
	if (!strcmp(name, CALIBRATION_SAME)) {
		copy(l->calibration, "params", cut->gate);
		cJSON_AddNumberToObject(l->calibration, "gates", (double)cut->n_gates);
		cJSON_AddNumberToObject(l->calibration, "unjudged", (double)cut->unjudged);
		cJSON_AddNumberToObject(l->calibration, "pairs", (double)cut->lines);
		cJSON_AddNumberToObject(l->calibration, "discarded", (double)cut->discarded);
		cJSON_AddNumberToObject(l->calibration, "skipped", cut->skipped);
		add_same(l->calibration, cut);
	} else {
		cJSON_AddItemToArray(l->power, describe_power(cut, name));
	}
	l->least_gates = min_of(l->least_gates, cut->n_gates);
	l->disturbed |= cut->discarded && cut->unjudged > cut->n_gates;
	if (!l->failed[0])
		snprintf(l->failed, sizeof(l->failed), "%s", cut->failed);
	return 0;
}

/* In the order of their names; the one without a difference first. */
static int is_other(const struct dirent *e)
{
	return e->d_name[0] != '.' && strcmp(e->d_name, CALIBRATION_SAME) != 0;
}

static int add_others(struct logs *l, struct err *err)
{
	struct dirent **names;
	int n = scandir(l->dir, &names, is_other, versionsort), r = 0;

	if (n < 0)
		return err_sys(err, -errno, "%s", l->dir);
	for (int i = 0; i < n; i++) {
		if (!r)
			r = add_log(l, names[i]->d_name, err);
		free(names[i]);
	}
	free(names);
	return r;
}

int calibrate_analyse(const char *dir, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject(), *power = cJSON_CreateArray();
	struct logs l = {.dir = dir, .calibration = o, .power = power, .least_gates = SIZE_MAX};
	int r;

	cJSON_AddNumberToObject(o, "schema", CALIBRATION_SCHEMA);
	r = add_log(&l, CALIBRATION_SAME, err);
	if (!r)
		r = add_others(&l, err);
	if (!r && !l.n)
		r = err_set(err, -ENOENT, "%s holds no log of a calibration", dir);
	if (r)
		return r;
	cJSON_AddItemToObject(o, "power", take_ptr(power));
	conclude(o, l.failed, l.least_gates, l.disturbed);
	*ret = take_ptr(o);
	return 0;
}

int calibrate_op_ns(const char *dir, const double *threads, size_t n, double *ret_op_ns,
		    struct err *err)
{
	_cleanup_(cleanup_cut) struct cut *cut = NULL;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%.3000s/" CALIBRATION_SAME, dir);
	r = cut_read(path, &cut, err);
	if (r)
		return r;
	if (cut->failed[0])
		return err_set(err, -EIO, "%s", cut->failed);
	for (size_t i = 0; i < n; i++)
		ret_op_ns[i] = NAN;
	for (size_t i = 0; i < cut->n_series; i++) {
		const struct cut_series *s = &cut->series[i];

		if (s->cell >= n)
			return err_set(err, -EINVAL, "%s: other cells than those of the matrix",
				       path);
		if (!s->metric) /* of a closed loop the throughput comes first */
			ret_op_ns[s->cell] = 1e9 * threads[s->cell] / figures_base(cut, i);
	}
	return 0;
}
