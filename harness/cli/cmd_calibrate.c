// SPDX-License-Identifier: MIT
/*
 * uhbench calibrate: what the paired gate is worth on this machine. Logs of gates are measured one
 * after another, each in a folder below DIR: one without a difference, then one for each slowdown
 * that is put in. calibration.json follows from these; what calibrated is kept for later gates.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/calibrate/calibrate.h"
#include "harness/calibrate/stored.h"
#include "harness/cli/calibrate_text.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/load_matrix.h"
#include "harness/cli/measuring.h"
#include "harness/cli/verbs.h"
#include "harness/effect.h"
#include "harness/matrix/matrix.h"
#include "harness/matrix/plan.h"
#include "harness/paired/paired.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "reports/assets.h"

#define UNSET	     UINT64_MAX
#define GATES	     60
#define SLOW_MAX     8
#define LOG_NAME_MAX 32

struct calibrate_options {
	struct option_words builds, base_set, head_set;
	const char *only, *out, *slow, *root, *analyse;
	uint64_t gates, seed, budget_ns;
	double alpha, effect, margin, max_steal, max_foreign;
	bool concurrent, json;
};

static const struct option_row calibrate_rows[] = {
	{.name = "gates",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct calibrate_options, gates),
	 .min = 1,
	 .max = 100000,
	 .help = "of each log (default 60)"},
	{.name = "budget",
	 .arg = "TIME",
	 .kind = OPTION_TIME,
	 .offset = offsetof(struct calibrate_options, budget_ns),
	 .min = 1,
	 .help = "of all logs together: end after this time with the gates that there are"},
	{.name = "slow",
	 .arg = "LIST",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct calibrate_options, slow),
	 .help = "percents by which head is slowed down by a busy pad, a log for each: 3,5,10"},
	{.name = "build",
	 .arg = "BIN",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct calibrate_options, builds),
	 .help = "builds of one text (other link orders, other paths), of which both sides draw: "
		 "the margin is learnt from them; this program unless given"},
	{.name = "base-set",
	 .arg = "SET",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct calibrate_options, base_set),
	 .help = "one log of two settings of this build instead, as of `ab`: how often is the "
		 "difference found?"},
	{.name = "head-set",
	 .arg = "SET",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct calibrate_options, head_set),
	 .help = "the same for head"},
	{.name = "only",
	 .arg = "GLOB",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct calibrate_options, only),
	 .help = "only cells whose workload/target, label or id matches"},
	{.name = "out",
	 .letter = 'o',
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct calibrate_options, out),
	 .help = "where the logs go (default results/NAME-DATE-TIME)"},
	{.name = "calibrations",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct calibrate_options, root),
	 .help = "where the result is kept for `ab` (default results/calibrations)"},
	{.name = "analyse",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct calibrate_options, analyse),
	 .help = "run nothing: the logs of DIR again"},
	{.name = "effect",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct calibrate_options, effect),
	 .help = "the change that the gates must see (default 5%)"},
	{.name = "margin",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct calibrate_options, margin),
	 .help = "of the gates (default 1%; 0 for settings of one build)"},
	{.name = "alpha",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct calibrate_options, alpha),
	 .help = "the probability of a false alarm of a gate (default 1%)"},
	{.name = "seed",
	 .arg = "N",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct calibrate_options, seed),
	 .max = UINT64_MAX - 1,
	 .help = "of all that is drawn; random unless given"},
	{.name = "max-steal",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct calibrate_options, max_steal),
	 .help = "as of `ab` (default 2%)"},
	{.name = "max-foreign",
	 .arg = "SHARE",
	 .kind = OPTION_SHARE,
	 .offset = offsetof(struct calibrate_options, max_foreign),
	 .help = "as of `ab` (default 20%)"},
	{.name = "concurrent",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct calibrate_options, concurrent),
	 .help = "run beside another session, although each disturbs the other"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct calibrate_options, json),
	 .help = "print calibration.json"},
	OPTION_END,
};

/* What is measured, one after another. */
struct campaign_logs {
	double slow[SLOW_MAX];
	unsigned n_slow;
	struct paired_options paired;
	const char *dir;
	unsigned gates;
	bool terminal;
	/* Of the log that is measured. */
	unsigned ended, troubles;
	uint64_t began_ns;
};

static void pair_begins(void *arg, const struct cell *cell, bool control, const char *stage)
{
	(void)arg;
	(void)cell;
	(void)control;
	(void)stage;
}

#define TROUBLES_TOLD 5

/* A busy machine has hundreds: the analysis counts them. */
static void tell_trouble(struct campaign_logs *logs, const struct cell *cell, const char *trouble)
{
	_cleanup_free_ char *label = cell_label(cell);

	if (logs->troubles++ < TROUBLES_TOLD)
		fprintf(stderr, "%s%s: %s%s\n", logs->terminal ? "\r\033[K" : "",
			label ? label : cell->id, trouble,
			logs->troubles == TROUBLES_TOLD ? " (more of the kind is not told)" : "");
}

static unsigned tenth(const struct campaign_logs *logs, unsigned gate)
{
	return (unsigned)(10ULL * gate / logs->gates);
}

static void tell_progress(const struct campaign_logs *logs, unsigned pairs)
{
	fprintf(stderr, "%s%u of %u gates, %u pairs, %.0f s%s", logs->terminal ? "\r\033[K" : "",
		logs->ended, logs->gates, pairs,
		(double)(nsec_now() - logs->began_ns) / NSEC_PER_SEC, logs->terminal ? "" : "\n");
}

/* A gate is over when it wants no pair any more. */
static void pair_ended(void *arg, const struct cell *cell, const char *trouble, unsigned done,
		       unsigned left)
{
	struct campaign_logs *logs = arg;

	if (trouble[0])
		tell_trouble(logs, cell, trouble);
	if (!left)
		logs->ended++;
	if (logs->terminal || (!left && tenth(logs, logs->ended) > tenth(logs, logs->ended - 1)))
		tell_progress(logs, done);
}

static int read_slow(const char *text, struct campaign_logs *logs)
{
	while (text && *text) {
		char *end;
		double percent = strtod(text, &end);

		if (*end == '%')
			end++;
		if (end == text || (*end && *end != ',') || !(percent > 0 && percent <= 100))
			return verb_fail(EXITCODE_USAGE,
					 "calibrate: --slow: \"%s\" does not begin with a "
					 "percentage above 0 and at most 100",
					 text);
		if (logs->n_slow == SLOW_MAX)
			return verb_fail(EXITCODE_USAGE, "calibrate: --slow: at most %d", SLOW_MAX);
		logs->slow[logs->n_slow++] = percent / 100;
		text = *end ? end + 1 : end;
	}
	return VERB_GO_ON;
}

static int run_log(struct campaign_logs *logs, const char *name, const struct paired_log *log)
{
	struct paired_options p = logs->paired;
	struct paired_summary sum;
	struct err err = {""};
	char dir[PATH_MAX];
	int r;

	snprintf(dir, sizeof(dir), "%.3900s/%s", logs->dir, name);
	p.dir = dir;
	p.begins = pair_begins;
	p.ended = pair_ended;
	p.arg = logs;
	logs->ended = logs->troubles = 0;
	logs->began_ns = nsec_now();
	fprintf(stderr, "log %s: %u gates\n", name, log->gates);
	r = paired_log_run(&p, log, &sum, &err);
	if (logs->terminal)
		fprintf(stderr, "\r\033[K");
	if (sum.not_swept[0])
		fprintf(stderr, "note: %s\n", sum.not_swept);
	return r ? verb_fail(measuring_exit_code(r), "calibrate: %s", err.text) : VERB_GO_ON;
}

/* Lanes of the cells that are measured, in the order of the log's gate.json. */
static int list_threads(const struct campaign_logs *logs, double *threads, size_t *ret_n,
			struct err *err)
{
	const struct matrix *m = logs->paired.matrix;
	_cleanup_free_ bool *chosen = calloc(m->n_cells + 1, sizeof(*chosen));
	struct plan *plan = NULL;
	size_t n = 0;
	int r = chosen ? plan_make(m, 1, 1, logs->paired.only, &plan, err) : -ENOMEM;

	for (size_t i = 0; !r && i < plan->n; i++)
		chosen[plan->items[i].cell] = true;
	for (size_t i = 0; !r && i < m->n_cells; i++)
		if (chosen[i])
			threads[n++] = (double)m->cells[i]->axes.threads;
	plan_free(plan);
	*ret_n = n;
	return r;
}

static int run_slow(struct campaign_logs *logs)
{
	size_t n = 0, room = logs->paired.matrix->n_cells + 1;
	_cleanup_free_ double *threads = calloc(room, sizeof(*threads));
	_cleanup_free_ double *op_ns = calloc(room, sizeof(*op_ns));
	struct err err = {"out of memory"};
	int rc = VERB_GO_ON;
	int r = threads && op_ns ? list_threads(logs, threads, &n, &err) : -ENOMEM;

	if (!r)
		r = calibrate_op_ns(logs->dir, threads, n, op_ns, &err);
	if (r == -EIO)
		return VERB_GO_ON; /* the analysis says so */
	for (size_t i = 0; !r && i < n; i++)
		if (!isfinite(op_ns[i]))
			op_ns[i] = 0; /* a cell that this machine cannot run */
	if (r)
		return verb_fail(measuring_exit_code(r), "calibrate: %s", err.text);
	for (unsigned i = 0; rc == VERB_GO_ON && i < logs->n_slow && !interrupt_seen; i++) {
		struct paired_log log = {
			.gates = logs->gates, .slow = logs->slow[i], .op_ns = op_ns};
		char name[LOG_NAME_MAX];

		snprintf(name, sizeof(name), "slow-%g", 100 * log.slow);
		logs->paired.seed++;
		rc = run_log(logs, name, &log);
	}
	return rc;
}

/* A cell that cannot be slowed down is told before the first log is measured. */
static int check_slow(const struct campaign_logs *logs)
{
	struct paired_log log = {.gates = logs->gates, .slow = logs->slow[0]};
	struct err err = {""};
	int r = logs->n_slow ? paired_log_check(&logs->paired, &log, &err) : 0;

	return r ? verb_fail(measuring_exit_code(r), "calibrate: %s", err.text) : VERB_GO_ON;
}

static int run_logs(struct campaign_logs *logs)
{
	const struct paired_side_options *sides = logs->paired.sides;
	bool sets = sides[0].n_sets || sides[1].n_sets;
	struct paired_log log = {.gates = logs->gates};
	int rc = check_slow(logs);

	if (rc == VERB_GO_ON)
		rc = run_log(logs, sets ? "changed" : CALIBRATION_SAME, &log);
	return rc == VERB_GO_ON && logs->n_slow && !interrupt_seen ? run_slow(logs) : rc;
}

static int write_json(const char *dir, const char *text, struct err *err)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%.4000s/calibration.json", dir);
	r = fs_replace(path, text, strlen(text));
	return r ? err_sys(err, r, "%s", path) : 0;
}

/* Kept for later gates: what calibrated, and is about this very kind of gate. */
static int keep(const struct calibrate_options *o, const cJSON *calibration, int code,
		struct err *err)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (code != EXITCODE_OK || !cJSON_GetObjectItemCaseSensitive(calibration, "alarms"))
		return 0;
	r = calibration_store(o->root, calibration, &path, err);
	if (!r)
		fprintf(stderr, "kept for later gates as %s\n", path);
	return r;
}

static int conclude(const struct calibrate_options *o, const char *dir)
{
	_cleanup_json_ cJSON *calibration = NULL;
	_cleanup_free_ char *text = NULL;
	struct err err = {""};
	int code, r = calibrate_analyse(dir, &calibration, &err);

	if (r)
		return verb_fail(r == -ENOENT ? EXITCODE_USAGE : EXITCODE_FAILURE, "calibrate: %s",
				 err.text);
	text = cJSON_Print(calibration);
	if (!text)
		return verb_fail(EXITCODE_FAILURE, "out of memory");
	code = cJSON_GetObjectItemCaseSensitive(calibration, "exit_code")->valueint;
	r = write_json(dir, text, &err);
	if (!r && !o->analyse && !interrupt_seen)
		r = keep(o, calibration, code, &err);
	if (r)
		return verb_fail(EXITCODE_FAILURE, "calibrate: %s", err.text);
	if (o->json)
		puts(text);
	else
		calibrate_text(calibration, stdout);
	if (fflush(stdout))
		return verb_fail(EXITCODE_FAILURE, "calibrate: stdout: %s", strerror(errno));
	return interrupt_seen ? EXITCODE_INTERRUPTED : code;
}

/* Unless builds are given, this program in two files; settings are compared in one. */
static void set_sides(const struct calibrate_options *o, struct paired_options *p,
		      const char *const *own)
{
	bool sets = o->base_set.n || o->head_set.n;
	const char *const *paths = o->builds.n ? o->builds.words : own;
	unsigned n = sets ? 0 : o->builds.n ? o->builds.n : 1;

	p->sides[0] = (struct paired_side_options){paths, n, o->base_set.words, o->base_set.n,
						   sets ? NULL : "base"};
	p->sides[1] = (struct paired_side_options){paths, n, o->head_set.words, o->head_set.n,
						   sets ? NULL : "a copy of base"};
	p->margin_from = o->margin >= 0 ? "given" : sets ? "one build" : "default";
	p->params.margin = o->margin >= 0 ? o->margin : sets ? 0 : CALIBRATION_MARGIN;
}

static int measure(const struct registry *reg, const struct calibrate_options *o,
		   const struct matrix *m, struct campaign_logs *logs)
{
	char binary[64], dir[512];
	const char *own[] = {binary};
	_cleanup_close_ int exe = measuring_own_binary(binary, sizeof(binary));
	int rc;

	if (exe < 0)
		return verb_fail(EXITCODE_FAILURE, "/proc/self/exe: %s", strerror(-exe));
	logs->paired = (struct paired_options){.registry = reg,
					       .prober = reg->prober,
					       .matrix = m,
					       .only = o->only,
					       .own_binary = binary,
					       .params.alpha = o->alpha,
					       .effect = o->effect,
					       .matters = o->effect / 2,
					       .max_steal = o->max_steal,
					       .max_foreign = o->max_foreign,
					       .seed = o->seed == UNSET ? measuring_random_seed()
									: o->seed,
					       .budget_ns = o->budget_ns / (1 + logs->n_slow),
					       .concurrent = o->concurrent,
					       .interrupted = &interrupt_seen};
	set_sides(o, &logs->paired, own);
	logs->gates = (unsigned)o->gates;
	logs->terminal = isatty(STDERR_FILENO);
	logs->dir = o->out;
	if (!logs->dir) {
		measuring_default_dir(m, dir, sizeof(dir));
		logs->dir = dir;
	}
	measuring_catch_signals();
	rc = run_logs(logs);
	return rc == VERB_GO_ON ? conclude(o, logs->dir) : rc;
}

/* The matrix that is part of the program is read like any other. */
static int load(const struct registry *reg, const char *path, struct matrix **ret)
{
	_cleanup_close_ int fd = -1;
	char own[64];

	if (path)
		return load_matrix(reg, path, ret);
	fd = memfd_create("calibrate.json", MFD_CLOEXEC);
	if (fd < 0 || fs_write_all(fd, asset_calibrate_json, strlen(asset_calibrate_json)))
		return verb_fail(EXITCODE_FAILURE, "calibrate: the matrix: %s", strerror(errno));
	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	return load_matrix(reg, own, ret);
}

static int check(const struct calibrate_options *o, const struct campaign_logs *logs,
		 const char *matrix)
{
	bool sets = o->base_set.n || o->head_set.n;

	if (o->analyse && (matrix || o->out))
		return verb_fail(EXITCODE_USAGE, "calibrate: --analyse runs nothing: no matrix and "
						 "no -o beside it");
	if (sets && (logs->n_slow || o->builds.n))
		return verb_fail(EXITCODE_USAGE,
				 "calibrate: settings (--base-set, --head-set) or --slow and "
				 "--build, not both: nobody could tell which made a difference");
	if (o->builds.n > PAIRED_BUILDS_MAX)
		return verb_fail(EXITCODE_USAGE, "calibrate: at most %d builds", PAIRED_BUILDS_MAX);
	return VERB_GO_ON;
}

static int calibrate_run(const struct registry *reg, int argc, char **argv)
{
	struct calibrate_options o = {.root = CALIBRATIONS_DIR,
				      .gates = GATES,
				      .seed = UNSET,
				      .alpha = 0.01,
				      .effect = EFFECT_TARGET,
				      .margin = -1,
				      .max_steal = 0.02,
				      .max_foreign = 0.20};
	_cleanup_(cleanup_matrix) struct matrix *m = NULL;
	struct campaign_logs logs = {.n_slow = 0};
	const char *operands[1];
	int rc = verb_parse(&cmd_calibrate, argc, argv, &o, operands);

	if (rc == VERB_GO_ON)
		rc = read_slow(o.slow, &logs);
	if (rc == VERB_GO_ON)
		rc = check(&o, &logs, operands[0]);
	if (rc == VERB_GO_ON && o.analyse)
		return conclude(&o, o.analyse);
	if (rc == VERB_GO_ON)
		rc = load(reg, operands[0], &m);
	return rc == VERB_GO_ON ? measure(reg, &o, m, &logs) : rc;
}

const struct verb cmd_calibrate = {
	.name = "calibrate",
	.help = "measure on this machine how often gates give false alarms and what they see",
	.operands = "[MATRIX|-]",
	.operands_min = 0,
	.operands_max = 1,
	.options = calibrate_rows,
	.run = calibrate_run,
};
