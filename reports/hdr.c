// SPDX-License-Identifier: MIT
/*
 * An HdrHistogram interval log (format 1.3) that HdrHistogram's own tools read: one line for each
 * histogram of each ok run, tagged CELL.HISTOGRAM, so that readers which merge a tag's intervals
 * get the cell over all repeats, and those that do not can look at a single run. Runs with probes
 * are tagged CELL.HISTOGRAM.probed, so that they do not mix with the others. Values are
 * nanoseconds; the Interval_Max column is in milliseconds, as the format's default has it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/hist.h"
#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "reports/get.h"
#include "reports/hdrlog.h"
#include "reports/report.h"

struct log {
	FILE *out;
	struct err *err;
	double start_s; /* of the session, seconds since the epoch */
	unsigned record;
	uint16_t index[HIST_BUCKETS];
	uint64_t counts[HIST_BUCKETS];
};

/* "2026-11-21T04:32:37.123Z" in seconds since the epoch; 0 when it is none. */
static double read_clock(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return 0;
	return (double)timegm(&tm) + (*rest == '.' ? strtod(rest, NULL) : 0);
}

static int read_buckets(struct log *l, const cJSON *buckets, unsigned *ret_n)
{
	const cJSON *pair;
	unsigned n = 0;

	cJSON_ArrayForEach (pair, buckets) {
		double i = cJSON_IsArray(pair) && pair->child ? pair->child->valuedouble : -1;
		double count = i >= 0 && pair->child->next ? pair->child->next->valuedouble : -1;

		if (!(i >= 0 && i < HIST_BUCKETS) || count < 0 || n == HIST_BUCKETS ||
		    (n && i <= l->index[n - 1]))
			return -EBADMSG;
		l->index[n] = (uint16_t)i;
		l->counts[n++] = (uint64_t)count;
	}
	*ret_n = n;
	return 0;
}

/* A tag ends at a comma and must not hold blanks. */
static void put_tag(FILE *out, const cJSON *record, const char *name)
{
	fprintf(out, "Tag=%s.", get_text(get(record, "cell"), "id"));
	for (; *name; name++)
		fputc((unsigned char)*name > ' ' && *name != ',' ? *name : '_', out);
	if (cJSON_IsTrue(get(record, "probed")))
		fputs(".probed", out);
}

static int put_hist(struct log *l, const cJSON *record, const cJSON *hist)
{
	const cJSON *window = get(record, "window");
	double length = get_number(window, "end_ns") - get_number(window, "begin_ns");
	double start = read_clock(get_text(record, "start"));
	_cleanup_free_ char *text = NULL;
	unsigned n;
	int err = read_buckets(l, get(hist, "buckets"), &n);

	if (err)
		return err_set(
			l->err, err,
			"runs.jsonl: record %u: histogram %s: buckets are not [index, count] "
			"pairs in ascending order",
			l->record, hist->string);
	err = hdrlog_encode(l->index, l->counts, n, &text);
	if (err)
		return err_sys(l->err, err, "histogram %s", hist->string);
	put_tag(l->out, record, hist->string);
	fprintf(l->out, ",%.3f,%.3f,%.6f,%s\n", start >= l->start_s ? start - l->start_s : 0,
		isfinite(length) ? length / (double)NSEC_PER_SEC : 0,
		fmax(get_number(hist, "max"), 0) / (double)NSEC_PER_MSEC, text);
	return 0;
}

static int put_record(void *arg, cJSON *record)
{
	struct log *l = arg;
	const cJSON *hist;
	int err = 0;

	l->record++;
	if (strcmp(get_text(record, "status"), "ok"))
		return 0;
	cJSON_ArrayForEach (hist, get_object(record, "histograms")) {
		if (!err && !strcmp(get_text(hist, "unit"), "ns"))
			err = put_hist(l, record, hist);
	}
	return err;
}

int report_hdr(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_json_ cJSON *manifest = NULL;
	_cleanup_free_ struct log *l = calloc(1, sizeof(*l));
	int code = store_manifest(options->dir, &manifest, err);

	if (code)
		return code;
	if (!l)
		return err_sys(err, -ENOMEM, "%s", options->dir);
	l->out = out;
	l->err = err;
	l->start_s = read_clock(get_text(manifest, "started"));
	fprintf(out,
		"#[Logged with uhbench %s]\n"
		"#[Histogram log format version 1.3]\n"
		"#[StartTime: %.3f (seconds since epoch), %s]\n"
		"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
		"\"Interval_Compressed_Histogram\"\n",
		get_text(manifest, "uhbench"), l->start_s, get_text(manifest, "started"));
	return store_each(options->dir, put_record, l, NULL, err);
}
