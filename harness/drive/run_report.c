// SPDX-License-Identifier: MIT
/*
 * From what the drive counted to the figures every record has. Checks that need no second opinion
 * are made here: Little's law, steadiness of the window, lateness and backlog of the generator.
 */
#include "harness/drive/run_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/drive/drive.h"
#include "harness/drive/procstat.h"
#include "harness/result.h"
#include "harness/run.h"
#include "harness/util/nsec.h"

#define LITTLE_TOLERANCE 0.05
#define STEADY_DRIFT	 0.10 /* second half against first half */
#define STEADY_CV	 0.25 /* between the groups, beyond counting noise */
#define STEADY_OPS	 100  /* in a group: then its count is good to 10 % */
#define STEADY_GROUPS	 5
#define USAGE_TOLERANCE	 0.1 /* of the window: what its samples may be off */
#define LITTLE_OPS	 40  /* below, an operation at the window's edge weighs too much */

static double window_s(const struct window *w)
{
	return (double)(w->end_ns - w->begin_ns) / (double)NSEC_PER_SEC;
}

static void latency_metrics(struct result *res, const char *prefix, const struct hist *h)
{
	static const struct {
		const char *suffix;
		double q;
	} rows[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}};
	char name[32];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s_%s", prefix, rows[i].suffix);
		result_quantile(res, name, h, rows[i].q);
	}
	snprintf(name, sizeof(name), "%s_max", prefix);
	if (h->count)
		result_metric(res, name, (double)h->max);
	else
		result_metric_none(res, name, "no operation completed inside the window");
}

/* Kinds of which there was none have no rows: the matrix did not ask for them, as a rule. */
static void kinds_report(const struct run *run, const struct drive_result *d, struct result *res)
{
	const struct workload_ops *workload = run->cell->workload;
	char name[64];

	for (unsigned i = 0; i < kinds_count(workload); i++) {
		const struct hist *h = &d->by_kind[i];

		if (!h->count)
			continue;
		snprintf(name, sizeof(name), "service_%s", workload->kinds[i]);
		result_hist(res, name, h);
		snprintf(name, sizeof(name), "%s_p50", workload->kinds[i]);
		result_quantile(res, name, h, 0.5);
		snprintf(name, sizeof(name), "%s_p99", workload->kinds[i]);
		result_quantile(res, name, h, 0.99);
	}
}

static void common_report(const struct run *run, const struct drive_result *d, struct result *res)
{
	const struct window *w = &d->window;

	result_metric(res, "throughput", (double)w->ops / window_s(w));
	result_metric(res, "errors", (double)w->errors);
	latency_metrics(res, "latency", &d->service);
	if (d->service.count)
		result_metric(res, "latency_mean", hist_mean(&d->service));
	else
		result_metric_none(res, "latency_mean", "no operation completed in the window");
	if (!w->ops)
		result_metric_none(res, "cpu_per_op", "no operation completed in the window");
	else if (res->no_usage.text[0])
		result_metric_none(res, "cpu_per_op", res->no_usage.text);
	else
		result_metric(res, "cpu_per_op",
			      (double)procstat_cpu_ns(d->procstat) / (double)w->ops);
	result_hist(res, "service", &d->service);
	kinds_report(run, d, res);
	if (!run->axes->rate)
		return;
	latency_metrics(res, "intended", &d->intended);
	result_quantile(res, "lateness_p99", &d->lateness, 0.99);
	if (d->lateness.count)
		result_metric(res, "lateness_max", (double)d->lateness.max);
	else
		result_metric_none(res, "lateness_max", "no operation was submitted in the window");
	result_hist(res, "intended", &d->intended);
	result_hist(res, "lateness", &d->lateness);
	if (d->backlog)
		result_note(res,
			    "%llu starts were due before the end of the window and never made: the "
			    "rate is above what the target takes, and the intended-time figures "
			    "leave these operations out",
			    (unsigned long long)d->backlog);
}

/*
 * Neighbouring intervals are merged until one holds STEADY_OPS operations or more, so that it is
 * not the counting that spreads; what a Poisson process would spread anyway is taken off.
 */
struct steadiness {
	unsigned groups;
	double drift, cv; /* second half against first; spread between the groups */
};

static struct steadiness steadiness(const uint64_t *ops, unsigned n)
{
	struct steadiness s = {0};
	double halves[2] = {0, 0}, sum = 0, squares = 0, mean, variance;
	unsigned width = 1;

	for (unsigned i = 0; i < n; i++)
		sum += (double)ops[i];
	while (width < n && sum * width / n < STEADY_OPS)
		width++;
	s.groups = n / width;
	for (unsigned g = 0; g < s.groups; g++) {
		double count = 0;

		for (unsigned i = 0; i < width; i++)
			count += (double)ops[g * width + i];
		/* An odd group in the middle belongs to neither half. */
		if (g != s.groups / 2 || s.groups % 2 == 0)
			halves[g >= s.groups - s.groups / 2] += count;
		squares += count * count;
	}
	mean = sum * width / n;
	variance = s.groups ? squares / s.groups - mean * mean - mean : 0;
	s.drift = halves[0] > 0 ? halves[1] / halves[0] - 1 : 0;
	s.cv = mean > 0 ? sqrt(variance > 0 ? variance : 0) / mean : 0;
	return s;
}

static void add_steadiness(cJSON *o, const uint64_t *ops)
{
	struct steadiness s = steadiness(ops, SERIES_POINTS);

	if (s.groups < STEADY_GROUPS) {
		cJSON_AddNullToObject(o, "steady");
		cJSON_AddNullToObject(o, "drift");
		cJSON_AddNullToObject(o, "cv");
		cJSON_AddStringToObject(o, "reason", "too few operations to tell");
		return;
	}
	cJSON_AddBoolToObject(o, "steady", fabs(s.drift) <= STEADY_DRIFT && s.cv <= STEADY_CV);
	cJSON_AddNumberToObject(o, "drift", s.drift);
	cJSON_AddNumberToObject(o, "cv", s.cv);
}

static cJSON *series(const struct drive_result *d)
{
	cJSON *o = cJSON_CreateObject(), *ops, *mean;

	cJSON_AddNumberToObject(o, "interval_ns", (double)d->interval_ns);
	ops = cJSON_AddArrayToObject(o, "ops");
	mean = cJSON_AddArrayToObject(o, "mean_ns");
	for (unsigned i = 0; i < SERIES_POINTS; i++) {
		double n = (double)d->series_ops[i];

		cJSON_AddItemToArray(ops, cJSON_CreateNumber(n));
		cJSON_AddItemToArray(mean,
				     n > 0 ? cJSON_CreateNumber(round(d->series_sum_ns[i] / n))
					   : cJSON_CreateNull());
	}
	add_steadiness(o, d->series_ops);
	return o;
}

/*
 * Little's law (Little 1961): L = lambda W. in_flight comes from the lanes' own counters integrated
 * over time, throughput and mean latency from the histogram: two accounts of the same operations.
 * Operations that failed were in flight too, so they count on both sides.
 * nominal is what was asked for; the slots are empty while the lane prepares and checks bytes.
 */
static cJSON *little(const struct run *run, const struct drive_result *d)
{
	double completed = (double)(d->window.ops + d->window.errors);
	double throughput = completed / window_s(&d->window), nominal;
	double mean = completed > 0 ? (double)(d->service.sum + d->errors_sum_ns) / completed : 0;
	double product = throughput * mean / (double)NSEC_PER_SEC;
	double ratio = d->in_flight > 0 ? product / d->in_flight : 0;
	cJSON *o = cJSON_CreateObject();

	nominal = (double)(run->axes->threads * run->axes->depth);
	cJSON_AddNumberToObject(o, "throughput", throughput);
	cJSON_AddNumberToObject(o, "mean_latency_ns", mean);
	cJSON_AddNumberToObject(o, "in_flight", d->in_flight);
	cJSON_AddNumberToObject(o, "nominal", nominal);
	cJSON_AddNumberToObject(o, "ratio", ratio);
	cJSON_AddNumberToObject(o, "occupancy", product / nominal);
	if (completed < LITTLE_OPS) {
		cJSON_AddNullToObject(o, "ok");
		cJSON_AddNullToObject(o, "full");
		cJSON_AddStringToObject(o, "reason", "too few operations to tell");
		return o;
	}
	cJSON_AddBoolToObject(o, "ok", fabs(ratio - 1) <= LITTLE_TOLERANCE);
	cJSON_AddBoolToObject(o, "full", fabs(product / nominal - 1) <= LITTLE_TOLERANCE);
	return o;
}

/* From the first start to the end of the window, warm-up included. */
static cJSON *open_loop(const struct drive_result *d)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "offered", (double)(d->started + d->backlog));
	cJSON_AddNumberToObject(o, "started", (double)d->started);
	cJSON_AddNumberToObject(o, "backlog", (double)d->backlog);
	return o;
}

static cJSON *errors(const struct drive_result *d)
{
	cJSON *o = cJSON_CreateObject();

	for (int i = 0; i < ERRNO_SLOTS; i++) {
		const char *name = i ? strerrorname_np(i) : "OTHER";

		if (d->errnos[i])
			cJSON_AddNumberToObject(o, name ? name : "OTHER", (double)d->errnos[i]);
	}
	return o;
}

/* Somebody else had the CPUs when it was time to read /proc: then usage tells of another interval
 * than the counts do, and nothing may be divided by the other. */
static void judge_usage(const struct drive_result *d, struct result *res)
{
	double took = (double)procstat_interval_ns(d->procstat) / NSEC_PER_MSEC;
	double window = window_s(&d->window) * 1000;

	if (fabs(took - window) <= USAGE_TOLERANCE * window)
		return;
	err_set(&res->no_usage, 0, "CPU time was read %.0f ms apart, and the window is %.0f ms",
		took, window);
	result_note(res, "usage is not of the window: %s", res->no_usage.text);
}

void run_report(struct run *run, const struct drive_result *d, struct result *res)
{
	cJSON *window;

	judge_usage(d, res);
	common_report(run, d, res);
	res->series = series(d);
	res->usage = procstat_usage(d->procstat, run->roles);
	res->processes = procstat_processes(d->procstat);
	res->extra = cJSON_CreateObject();
	window = cJSON_AddObjectToObject(res->extra, "window");
	cJSON_AddNumberToObject(window, "begin_ns", (double)d->window.begin_ns);
	cJSON_AddNumberToObject(window, "end_ns", (double)d->window.end_ns);
	cJSON_AddNumberToObject(
		window, "usage_off_ns",
		(double)procstat_off_ns(d->procstat, d->window.begin_ns, d->window.end_ns));
	cJSON_AddItemToObject(res->extra, "host", procstat_host(d->procstat));
	cJSON_AddItemToObject(res->extra, "errors", errors(d));
	if (run->axes->rate)
		cJSON_AddItemToObject(res->extra, "open_loop", open_loop(d));
	else
		cJSON_AddItemToObject(res->extra, "little", little(run, d));
}
