// SPDX-License-Identifier: MIT
/*
 * uhbench ab: two builds or two settings, compared pair by pair. What the command line asks for is
 * checked and made into options of the gate here; the exit code is the verdict's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/calibrate/calibrate.h"
#include "harness/calibrate/stored.h"
#include "harness/cli/fail_on.h"
#include "harness/cli/history_write.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/load_matrix.h"
#include "harness/cli/measuring.h"
#include "harness/cli/verbs.h"
#include "harness/effect.h"
#include "harness/host/hostinfo.h"
#include "harness/host/machine.h"
#include "harness/matrix/matrix.h"
#include "harness/paired/paired.h"
#include "harness/util/cleanup.h"
#include "reports/verdict.h"

#define UNSET	       UINT64_MAX
#define UNSET_SHARE    -1.0
#define DISTURBED_PART 5 /* one pair of so many is no reason to tell */

struct ab_options {
	struct option_words base, head, base_set, head_set, fail_on;
	const char *only, *out, *base_name, *head_name, *calibrations;
	uint64_t seed, budget_ns;
	double alpha, effect, matters, margin, max_steal, max_foreign;
	bool confirm_improvements, dry_run, json, concurrent;
};

static const struct option_row ab_rows[] = {
	{.name = "base",
	 .arg = "BIN",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct ab_options, base),
	 .help = "a build to compare with: a uhbench, or for `command` cells your own program; "
		 "given again, one of them is drawn for each pair"},
	{.name = "head",
	 .arg = "BIN",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct ab_options, head),
	 .help = "a build that is to be judged; may be given again"},
	{.name = "base-set",
	 .arg = "SET",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct ab_options, base_set),
	 .help = "instead of builds: WORKLOAD[/TARGET].KNOB=VALUE, a knob or an axis of base's "
		 "cells; may be given again"},
	{.name = "head-set",
	 .arg = "SET",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct ab_options, head_set),
	 .help = "the same for head's"},
	{.name = "base-name",
	 .arg = "TEXT",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct ab_options, base_name),
	 .help = "what reports call base (default: its settings, its revision or its path)"},
	{.name = "head-name",
	 .arg = "TEXT",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct ab_options, head_name),
	 .help = "the same for head"},
	{.name = "only",
	 .arg = "GLOB",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct ab_options, only),
	 .help = "only cells whose workload/target, label or id matches"},
	{.name = "out",
	 .letter = 'o',
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct ab_options, out),
	 .help = "the gate's folder (default results/NAME-DATE-TIME)"},
	{.name = "budget",
	 .arg = "TIME",
	 .kind = OPTION_TIME,
	 .offset = offsetof(struct ab_options, budget_ns),
	 .min = 1,
	 .help = "end after this time; what is undecided by then is inconclusive"},
	{.name = "effect",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct ab_options, effect),
	 .help = "the change that the gate must see (default 5%)"},
	{.name = "matters",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct ab_options, matters),
	 .help = "the smallest change that matters (default half the effect)"},
	{.name = "margin",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct ab_options, margin),
	 .help = "by how much two builds of the same text may differ (default 1%, or as "
		 "`calibrate --build` found; 0 for settings of one build)"},
	{.name = "calibrations",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct ab_options, calibrations),
	 .help = "where `calibrate` keeps what it found (default results/calibrations)"},
	{.name = "alpha",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct ab_options, alpha),
	 .help = "the probability of a false alarm of the whole gate (default 1%)"},
	{.name = "seed",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct ab_options, seed),
	 .max = UINT64_MAX - 1,
	 .help = "of all that is drawn; random unless given"},
	{.name = "confirm-improvements",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct ab_options, confirm_improvements),
	 .help = "fresh pairs for what looks faster, too"},
	{.name = "fail-on",
	 .arg = "VERDICT",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct ab_options, fail_on),
	 .help = FAIL_ON_HELP},
	{.name = "max-steal",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct ab_options, max_steal),
	 .help = "drop pairs in which the hypervisor took more than this of the CPUs (default 2%)"},
	{.name = "max-foreign",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct ab_options, max_foreign),
	 .help = "drop pairs in which other programs took more than this of the CPUs (default "
		 "20%)"},
	{.name = "dry-run",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct ab_options, dry_run),
	 .help = "say how many pairs and how long at least and at most, run nothing"},
	{.name = "concurrent",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct ab_options, concurrent),
	 .help = "run beside another session, although each disturbs the other"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct ab_options, json),
	 .help = "print verdicts.json, or the plan of --dry-run as JSON"},
	OPTION_END,
};

struct telling {
	bool terminal;
	unsigned pairs;
};

static void pair_begins(void *arg, const struct cell *cell, bool control, const char *stage)
{
	const struct telling *t = arg;
	_cleanup_free_ char *label = NULL;

	if (!t->terminal)
		return;
	label = cell_label(cell);
	fprintf(stderr, "\r\033[Kpair %u, %s: %.60s", t->pairs, control ? "control" : stage,
		label ? label : cell->id);
	fflush(stderr);
}

/* In a log a line for each pair that is none, and now and then one of how far it is. */
static void pair_ended(void *arg, const struct cell *cell, const char *trouble, unsigned done,
		       unsigned left)
{
	struct telling *t = arg;
	_cleanup_free_ char *label = NULL;

	t->pairs = done;
	if (t->terminal)
		fprintf(stderr, "\r\033[K");
	if (trouble[0]) {
		label = cell_label(cell);
		fprintf(stderr, "%s: %s\n", label ? label : cell->id, trouble);
	} else if (!t->terminal && done % 50 == 0) {
		fprintf(stderr, "%u pairs, %u more are wanted at present\n", done, left);
	}
}

static int check_sides(const struct ab_options *o)
{
	bool builds = o->base.n || o->head.n, sets = o->base_set.n || o->head_set.n;

	if (builds && sets)
		return verb_fail(
			EXITCODE_USAGE,
			"ab: builds (--base, --head) or settings (--base-set, --head-set), "
			"not both: nobody could tell which of the two made a difference");
	if (!builds && !sets)
		return verb_fail(EXITCODE_USAGE,
				 "ab: what is to be compared? --base BIN --head BIN, "
				 "or --base-set and --head-set");
	if (builds && (!o->base.n || !o->head.n))
		return verb_fail(EXITCODE_USAGE, "ab: --%s is missing",
				 o->base.n ? "head" : "base");
	if (o->base.n > PAIRED_BUILDS_MAX || o->head.n > PAIRED_BUILDS_MAX)
		return verb_fail(EXITCODE_USAGE, "ab: at most %d builds of a side",
				 PAIRED_BUILDS_MAX);
	return VERB_GO_ON;
}

/* Between builds the text's place in memory makes a difference; within one there is none. */
static void set_margin(const struct ab_options *o, struct paired_options *p)
{
	bool one_build = !o->base.n;
	double margin;

	if (o->margin != UNSET_SHARE) {
		p->params.margin = o->margin;
		p->margin_from = "given";
	} else {
		p->params.margin = one_build ? 0 : CALIBRATION_MARGIN;
		p->margin_from = one_build ? "one build" : "default";
	}
	if (!strcmp(p->margin_from, "default") && calibration_margin(p->calibration, &margin)) {
		p->params.margin = margin;
		p->margin_from = "calibration";
	}
}

/* What is known of this machine, if anything is. */
static int find_calibration(const char *root, const char *dir, cJSON **ret)
{
	_cleanup_json_ cJSON *host = NULL, *machine = NULL;
	struct err err = {""};
	char folder[PATH_MAX];
	int r;

	measuring_nearest_folder(dir, folder);
	host = hostinfo_collect(folder);
	machine = machine_key(host);
	r = calibration_quote(root, machine, ret, &err);
	return r && r != -ENOENT ? verb_fail(EXITCODE_FAILURE, "ab: %s", err.text) : VERB_GO_ON;
}

static void set_sides(const struct ab_options *o, struct paired_options *p)
{
	p->sides[0] = (struct paired_side_options){o->base.words, o->base.n, o->base_set.words,
						   o->base_set.n, o->base_name};
	p->sides[1] = (struct paired_side_options){o->head.words, o->head.n, o->head_set.words,
						   o->head_set.n, o->head_name};
}

static double figure(const cJSON *plan, const char *what, const char *end)
{
	const cJSON *range = cJSON_GetObjectItemCaseSensitive(plan, what);

	return cJSON_GetObjectItemCaseSensitive(range, end)->valuedouble;
}

static int dry_run(const struct paired_options *p, bool json)
{
	_cleanup_json_ cJSON *plan = NULL;
	const cJSON *cell, *cells;
	struct err err = {""};
	int r = paired_plan(p, &plan, &err);

	if (r)
		return verb_fail(measuring_exit_code(r), "ab: %s", err.text);
	if (json)
		return verb_print_json(plan);
	cells = cJSON_GetObjectItemCaseSensitive(plan, "cells");
	cJSON_ArrayForEach (cell, cells)
		puts(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cell, "label")));
	printf("%d cells: %.0f pairs in %.0f s at least, %.0f pairs in %.0f s at most (%d of them "
	       "base against a copy of base)\n",
	       cJSON_GetArraySize(cells), figure(plan, "pairs", "least"),
	       figure(plan, "seconds", "least"), figure(plan, "pairs", "most"),
	       figure(plan, "seconds", "most"), GATE_CONTROL_PAIRS);
	return EXITCODE_OK;
}

/* What a gate that others kept from its pairs needs is not in its verdicts. */
static void tell_disturbed(const cJSON *verdicts)
{
	double pairs = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(verdicts, "pairs"));
	double lost = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(verdicts, "discarded"));

	if (lost > pairs / DISTURBED_PART)
		fprintf(stderr,
			"%.0f of %.0f pairs were discarded, since others had too much of the CPUs: "
			"a quieter machine helps, or --max-foreign and --max-steal, which let more "
			"noise in\n",
			lost, pairs);
}

static int tell_verdict(const struct paired_options *p, const cJSON *verdicts, bool json)
{
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(verdicts, "exit_code");
	struct err err = {""};

	if (json && verb_print_json(verdicts))
		return EXITCODE_FAILURE;
	if (!json && verdict_table(p->dir, stdout, &err))
		return verb_fail(EXITCODE_FAILURE, "ab: %s", err.text);
	if (fflush(stdout))
		return verb_fail(EXITCODE_FAILURE, "ab: stdout: %s", strerror(errno));
	if (verdict_publish(p->dir, stderr, &err))
		return verb_fail(EXITCODE_FAILURE, "ab: %s", err.text);
	tell_disturbed(verdicts);
	fprintf(stderr, "verdicts in %s; `uhbench report %s --format html` draws the pairs\n",
		p->dir, p->dir);
	return (int)code->valuedouble;
}

static int run_gate(struct paired_options *p, bool json)
{
	struct telling telling = {.terminal = isatty(STDERR_FILENO)};
	struct paired_summary sum;
	struct err err = {""};
	char binary[64];
	_cleanup_close_ int exe = measuring_own_binary(binary, sizeof(binary));
	int r;

	if (exe < 0)
		return verb_fail(EXITCODE_FAILURE, "/proc/self/exe: %s", strerror(-exe));
	p->own_binary = binary;
	p->begins = pair_begins;
	p->ended = pair_ended;
	p->arg = &telling;
	p->interrupted = &interrupt_seen;
	measuring_catch_signals();
	r = paired_run(p, &sum, &err);
	if (telling.terminal)
		fprintf(stderr, "\r\033[K");
	if (sum.not_swept[0])
		fprintf(stderr, "note: %s\n", sum.not_swept);
	if (!r) {
		history_note(p->dir);
		r = tell_verdict(p, sum.verdicts, json);
	} else {
		r = verb_fail(measuring_exit_code(r), "ab: %s", err.text);
	}
	cJSON_Delete(sum.verdicts);
	return r;
}

static int compare(const struct registry *reg, const struct ab_options *o, struct matrix *m)
{
	struct paired_options p = {.registry = reg,
				   .prober = reg->prober,
				   .matrix = m,
				   .only = o->only,
				   .dir = o->out,
				   .effect = o->effect,
				   .matters =
					   o->matters == UNSET_SHARE ? o->effect / 2 : o->matters,
				   .max_steal = o->max_steal,
				   .max_foreign = o->max_foreign,
				   .seed = o->seed == UNSET ? measuring_random_seed() : o->seed,
				   .budget_ns = o->budget_ns,
				   .concurrent = o->concurrent};
	_cleanup_json_ cJSON *calibration = NULL;
	char dir[512];
	int rc = fail_on_read(&o->fail_on, &p.fail_on_regressed, &p.fail_on_inconclusive);

	if (rc != VERB_GO_ON)
		return rc;
	p.params.alpha = o->alpha;
	p.params.confirm_improvements = o->confirm_improvements;
	if (!p.dir) {
		measuring_default_dir(m, dir, sizeof(dir));
		p.dir = dir;
	}
	rc = find_calibration(o->calibrations, p.dir, &calibration);
	if (rc != VERB_GO_ON)
		return rc;
	p.calibration = calibration;
	set_margin(o, &p);
	set_sides(o, &p);
	return o->dry_run ? dry_run(&p, o->json) : run_gate(&p, o->json);
}

static int ab_run(const struct registry *reg, int argc, char **argv)
{
	struct ab_options o = {.seed = UNSET,
			       .alpha = 0.01,
			       .effect = EFFECT_TARGET,
			       .matters = UNSET_SHARE,
			       .margin = UNSET_SHARE,
			       .calibrations = CALIBRATIONS_DIR,
			       .max_steal = 0.02,
			       .max_foreign = 0.20};
	_cleanup_(cleanup_matrix) struct matrix *m = NULL;
	const char *operands[1];
	int rc = verb_parse(&cmd_ab, argc, argv, &o, operands);

	if (rc == VERB_GO_ON)
		rc = check_sides(&o);
	if (rc == VERB_GO_ON)
		rc = load_matrix(reg, operands[0], &m);
	return rc == VERB_GO_ON ? compare(reg, &o, m) : rc;
}

const struct verb cmd_ab = {
	.name = "ab",
	.help = "compare two builds or two settings, pair by pair, and judge what became slower",
	.operands = "MATRIX|-",
	.operands_min = 1,
	.operands_max = 1,
	.options = ab_rows,
	.run = ab_run,
};
