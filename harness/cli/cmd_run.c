// SPDX-License-Identifier: MIT
/*
 * uhbench run: reads a matrix, runs it as a session, prints the table. The story is in run_run();
 * every way out of it says what happened once and gives the exit code that is true.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/fail_on.h"
#include "harness/cli/history_write.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/load_matrix.h"
#include "harness/cli/measuring.h"
#include "harness/cli/progress.h"
#include "harness/cli/run_gate.h"
#include "harness/cli/verbs.h"
#include "harness/matrix/matrix.h"
#include "harness/matrix/plan.h"
#include "harness/session/session.h"
#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "reports/report.h"

struct run_options {
	const char *out, *only, *resume, *binary, *probes;
	uint64_t seed, repeats;
	bool dry_run, json, concurrent;
	bool probes_given; /* by --probes, now or in the session that goes on */
	struct run_gate gate;
};

static const struct option_row run_rows[] = {
	{.name = "out",
	 .letter = 'o',
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct run_options, out),
	 .help = "results folder (default results/NAME-DATE-TIME)"},
	{.name = "only",
	 .arg = "GLOB",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct run_options, only),
	 .help = "only cells whose workload/target, label or id matches"},
	{.name = "probes",
	 .arg = "LIST",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct run_options, probes),
	 .help = "all, none or sched,lock,...: watch every cell with these, instead of the matrix's"},
	{.name = "seed",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct run_options, seed),
	 .max = UINT64_MAX - 1,
	 .help = "order of the runs and seeds of the workloads, instead of the matrix's"},
	{.name = "repeats",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct run_options, repeats),
	 .min = 1,
	 .max = 100000,
	 .help = "repeats of every cell, instead of the matrix's"},
	{.name = "dry-run",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct run_options, dry_run),
	 .help = "print the plan, run nothing"},
	{.name = "resume",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct run_options, resume),
	 .help = "make the runs that are missing in DIR, a session of the same matrix"},
	{.name = "concurrent",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct run_options, concurrent),
	 .help = "run beside another session, although each disturbs the other"},
	{.name = "baseline",
	 .arg = "NAME",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct run_options, gate.baseline),
	 .help = "judge the session by those of a baseline; DIR/verdicts.json has the verdicts"},
	{.name = "baselines",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct run_options, gate.root),
	 .help = "where baselines are (default results/baselines)"},
	{.name = "fail-on",
	 .arg = "VERDICT",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct run_options, gate.fail_on),
	 .help = FAIL_ON_HELP},
	{.name = "other-machine",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct run_options, gate.other_machine),
	 .help = "take a baseline of another machine or recipe, as advice"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct run_options, json),
	 .help = "print the report, or the plan of --dry-run, as JSON"},
	OPTION_END,
};

#define UNSET UINT64_MAX

static int print_plan_json(const struct registry *reg, const struct matrix *m, const struct plan *p)
{
	_cleanup_json_ cJSON *o = plan_json(reg, m, p);

	return verb_print_json(o);
}

static int print_plan(const struct registry *reg, const struct matrix *m, const struct plan *p,
		      bool json)
{
	int width = p->n_probed ? 8 : 0;

	if (json)
		return print_plan_json(reg, m, p);
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_item *item = &p->items[i];
		const struct cell *c = m->cells[item->cell];
		_cleanup_free_ char *label = cell_label(c);

		printf("%4llu  repeat %llu  %-*s%s  %s\n", (unsigned long long)item->order,
		       (unsigned long long)item->repeat, width, item->probed ? "probed" : "", c->id,
		       label ? label : "");
	}
	return EXITCODE_OK;
}

static int exit_code_of(int r, bool resume)
{
	switch (-r) {
	case EBUSY:
		return EXITCODE_ENVIRONMENT;
	case EEXIST:
	case ESTALE:
		return EXITCODE_USAGE;
	case ENOENT:
		return resume ? EXITCODE_USAGE : EXITCODE_FAILURE;
	default:
		return EXITCODE_FAILURE;
	}
}

/* The worst of what happened to the runs of the session, those of earlier calls too. */
static int verdict(const struct session_summary *sum)
{
	const uint64_t *n = sum->by_status;

	if (sum->interrupted)
		return EXITCODE_INTERRUPTED;
	if (n[STATUS_FAILED] || n[STATUS_STALLED])
		return EXITCODE_FAILURE;
	if (!n[STATUS_OK])
		return EXITCODE_NOTHING_RAN;
	return EXITCODE_OK;
}

static int report_end(const struct registry *reg, const char *dir, bool json,
		      struct session_summary *sum)
{
	struct err err = {""};
	struct report_options options = {.dir = dir};
	int r = json ? report_json(&options, stdout, &err) : report_table(dir, reg, stdout, &err);

	if (r)
		return verb_fail(EXITCODE_FAILURE, "%s", err.text);
	if (fflush(stdout))
		return verb_fail(EXITCODE_FAILURE, "stdout: %s", strerror(errno));
	if (sum->interrupted)
		fprintf(stderr,
			"interrupted after %llu of %llu runs; `--resume %s` makes the rest\n",
			(unsigned long long)sum->done, (unsigned long long)sum->todo, dir);
	history_note(dir);
	fprintf(stderr, "records in %s; `uhbench report %s --format html` draws them\n", dir, dir);
	return verdict(sum);
}

/* What went wrong comes before any verdict, but a run that failed is part of one. */
static int judge_end(const struct registry *reg, const struct run_options *o, const char *dir,
		     int code)
{
	int judged;

	if (!o->gate.baseline || (code != EXITCODE_OK && code != EXITCODE_FAILURE))
		return code;
	judged = run_gate_judge(&o->gate, reg, dir, o->json);
	return code == EXITCODE_OK ? judged : code;
}

static int run_session(const struct registry *reg, const struct matrix *m, const struct plan *p,
		       struct run_options *o)
{
	char dir[512], binary[64];
	struct session_summary sum;
	struct progress progress;
	struct session_options opt = {.dir = o->resume ? o->resume : o->out,
				      .resume = o->resume != NULL,
				      .concurrent = o->concurrent,
				      .binary = binary,
				      .seed = o->seed,
				      .repeats = o->repeats,
				      .only = o->only,
				      .probes_given = o->probes_given,
				      .registry = reg,
				      .prober = reg->prober,
				      .interrupted = &interrupt_seen,
				      .begins = progress_begins,
				      .ended = progress_ended,
				      .arg = &progress};
	struct err err = {""};
	_cleanup_close_ int exe = measuring_own_binary(binary, sizeof(binary));
	int r;

	if (exe < 0)
		return verb_fail(EXITCODE_FAILURE, "/proc/self/exe: %s", strerror(-exe));
	if (!opt.dir) {
		measuring_default_dir(m, dir, sizeof(dir));
		opt.dir = dir;
	}
	r = run_gate_open(&o->gate, m, o->repeats, opt.dir);
	if (r != VERB_GO_ON)
		return r;
	measuring_catch_signals();
	progress_init(&progress, m->warmup_ns + m->duration_ns + 50 * NSEC_PER_MSEC);
	r = session_run(m, p, &opt, &sum, &err);
	progress_finish(&progress);
	if (sum.swept)
		fprintf(stderr,
			"removed what dead sessions had left: %llu work folders, cgroups or devices\n",
			(unsigned long long)sum.swept);
	if (sum.not_swept[0])
		fprintf(stderr, "note: %s\n", sum.not_swept);
	if (r)
		return verb_fail(exit_code_of(r, opt.resume), "%s", err.text);
	r = report_end(reg, opt.dir, o->json, &sum);
	return judge_end(reg, o, opt.dir, r);
}

/* The names of a manifest's list as one set. */
static int adopt_probes(const struct registry *reg, const cJSON *names, unsigned *set)
{
	const cJSON *name;
	struct err err;

	cJSON_ArrayForEach (name, names)
		if (!cJSON_IsString(name) ||
		    probe_set_add(reg->prober, name->valuestring, set, &err))
			return verb_fail(EXITCODE_USAGE,
					 "--resume: the manifest names probes that this build does "
					 "not have");
	return VERB_GO_ON;
}

/* --probes, or else what the session that goes on was started with; or else the matrix's. */
static int choose_probes(const struct registry *reg, struct run_options *o, const cJSON *manifest,
			 struct matrix *m)
{
	const cJSON *then = cJSON_GetObjectItemCaseSensitive(manifest, "probes");
	unsigned set = 0;
	struct err err;
	int rc = VERB_GO_ON;

	o->probes_given = o->probes || cJSON_IsArray(then);
	if (o->probes && probe_set_parse(reg->prober, o->probes, &set, &err))
		return verb_fail(EXITCODE_USAGE, "--probes: %s", err.text);
	if (!o->probes && o->probes_given)
		rc = adopt_probes(reg, then, &set);
	if (rc == VERB_GO_ON && o->probes_given)
		matrix_set_probes(m, set);
	return rc;
}

/* A session that goes on keeps the seed, repeats and choice that it was started with. */
static int adopt_session(struct run_options *o, cJSON **ret)
{
	_cleanup_json_ cJSON *manifest = NULL;
	const cJSON *seed, *repeats, *only;
	struct err err = {""};

	if (store_manifest(o->resume, &manifest, &err))
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	seed = cJSON_GetObjectItemCaseSensitive(manifest, "seed");
	repeats = cJSON_GetObjectItemCaseSensitive(manifest, "repeats");
	only = cJSON_GetObjectItemCaseSensitive(manifest, "only");
	if (o->seed == UNSET && cJSON_IsString(seed))
		o->seed = strtoull(seed->valuestring, NULL, 10);
	if (o->repeats == UNSET && cJSON_IsNumber(repeats))
		o->repeats = (uint64_t)repeats->valuedouble;
	if (!o->only && cJSON_IsString(only))
		o->only = only->valuestring;
	*ret = take_ptr(manifest);
	return VERB_GO_ON;
}

static void cleanup_plan(struct plan **p)
{
	plan_free(*p);
}

static void close_gate(struct run_options *o)
{
	run_gate_close(&o->gate);
}

static int run_run(const struct registry *reg, int argc, char **argv)
{
	_cleanup_(close_gate) struct run_options o = {
		.seed = UNSET, .repeats = UNSET, .gate = {.root = BASELINE_ROOT}};
	_cleanup_(cleanup_matrix) struct matrix *m = NULL;
	_cleanup_(cleanup_plan) struct plan *p = NULL;
	_cleanup_json_ cJSON *manifest = NULL; /* holds o.only on resume */
	struct err err = {""};
	const char *operands[1];
	int rc = verb_parse(&cmd_run, argc, argv, &o, operands), r;

	if (rc != VERB_GO_ON)
		return rc;
	if (o.out && o.resume)
		return verb_fail(EXITCODE_USAGE, "--resume names the results folder: leave -o out");
	rc = load_matrix(reg, operands[0], &m);
	if (rc != VERB_GO_ON)
		return rc;
	if (o.resume) {
		rc = adopt_session(&o, &manifest);
		if (rc != VERB_GO_ON)
			return rc;
	}
	rc = choose_probes(reg, &o, manifest, m);
	if (rc != VERB_GO_ON)
		return rc;
	if (o.seed == UNSET)
		o.seed = m->seed;
	if (o.repeats == UNSET)
		o.repeats = m->repeats;
	r = plan_make(m, o.seed, o.repeats, o.only, &p, &err);
	if (r)
		return verb_fail(EXITCODE_USAGE, "%s", err.text);
	return o.dry_run ? print_plan(reg, m, p, o.json) : run_session(reg, m, p, &o);
}

const struct verb cmd_run = {
	.name = "run",
	.help = "run a matrix, store its records, print the table",
	.operands = "MATRIX|-",
	.operands_min = 1,
	.operands_max = 1,
	.options = run_rows,
	.run = run_run,
};
