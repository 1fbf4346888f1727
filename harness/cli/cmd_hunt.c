// SPDX-License-Identifier: MIT
/*
 * uhbench hunt: the probes of `run` on any process, without a matrix. What was seen is printed when
 * the process has ended, the time is over, or on Ctrl-C, and a hunt that has measured is a success
 * whatever became of the process.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/hunt.h"
#include "harness/cli/verbs.h"
#include "harness/param.h"
#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"
#include "harness/util/nsec.h"

#define WARMUP_DEFAULT_NS (100 * NSEC_PER_MSEC) /* of a process that is there already */
#define UNSET		  UINT64_MAX

struct hunt_options {
	uint64_t pid, for_ns, warmup_ns;
	const char *probes, *out;
	struct option_words knobs;
	bool json;
};

static const struct option_row hunt_rows[] = {
	{.name = "pid",
	 .letter = 'p',
	 .arg = "PID",
	 .kind = OPTION_UINT,
	 .offset = offsetof(struct hunt_options, pid),
	 .min = 1,
	 .max = INT32_MAX,
	 .help = "watch this process, with all its threads, and what it starts from now on"},
	{.name = "for",
	 .arg = "TIME",
	 .kind = OPTION_TIME,
	 .offset = offsetof(struct hunt_options, for_ns),
	 .min = 10 * NSEC_PER_MSEC,
	 .max = 24 * 3600 * NSEC_PER_SEC,
	 .help = "stop after TIME (default: when the process ends, or on Ctrl-C); a COMMAND is then "
		 "ended: SIGTERM, after 2 s SIGKILL"},
	{.name = "warmup",
	 .arg = "TIME",
	 .kind = OPTION_TIME,
	 .offset = offsetof(struct hunt_options, warmup_ns),
	 .max = 3600 * NSEC_PER_SEC,
	 .help = "measure what the probes cost before anything counts (default 100ms; a COMMAND: "
		 "0, to see all of it)"},
	{.name = "probes",
	 .arg = "LIST",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct hunt_options, probes),
	 .help = "names with commas between, or all (default all)"},
	{.name = "knob",
	 .arg = "NAME=VALUE",
	 .kind = OPTION_WORDS,
	 .offset = offsetof(struct hunt_options, knobs),
	 .help = "a knob of the probes, as in a matrix' probe_knobs; may be repeated"},
	{.name = "out",
	 .letter = 'o',
	 .arg = "FILE",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct hunt_options, out),
	 .help = "write a page with pictures too: FILE.html"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct hunt_options, json),
	 .help = "print JSON instead of tables"},
	OPTION_END,
};

/* Set by the signals that end a hunt early. */
static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

/* They are let in only while the hunt waits, so that none is missed and no call is interrupted. */
static void catch_signals(sigset_t *unblocked)
{
	struct sigaction sa = {.sa_handler = on_signal};
	const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < array_size(signals); i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	signal(SIGPIPE, SIG_IGN);
}

static int unknown_knob(const struct param *rows, const char *name)
{
	struct nearest n = nearest_to(name);
	char hint[NEAREST_HINT_MAX];

	for (; rows->name; rows++)
		nearest_offer(&n, rows->name);
	return verb_fail(EXITCODE_USAGE, "hunt: --knob: unknown knob \"%s\"%s", name,
			 nearest_hint(&n, hint));
}

static int set_knob(const struct param *rows, const char *word, void *config)
{
	_cleanup_free_ char *name = strndup(word, strcspn(word, "="));
	const struct param *row = name ? param_find(rows, name) : NULL;
	struct err err = {""};

	if (!strchr(word, '='))
		return verb_fail(EXITCODE_USAGE, "hunt: --knob: \"%s\" is not NAME=VALUE", word);
	if (!row)
		return unknown_knob(rows, name ? name : word);
	if (param_set_text(row, strchr(word, '=') + 1, config, &err))
		return verb_fail(EXITCODE_USAGE, "hunt: --knob %s: %s", name, err.text);
	return VERB_GO_ON;
}

static int set_knobs(const struct param *rows, const struct option_words *words, void *config)
{
	int rc = VERB_GO_ON;

	if (param_defaults(rows, config))
		return verb_fail(EXITCODE_FAILURE, "hunt: the table of knobs is broken");
	for (unsigned i = 0; i < words->n && rc == VERB_GO_ON; i++)
		rc = set_knob(rows, words->words[i], config);
	return rc;
}

#define WORDS_MAX 16 /* of a command that lacks its "--", to say just that */

/* Options, and the command behind "--", which argv ends with. */
static int parse(int argc, char **argv, struct hunt_options *o, char ***ret_command)
{
	const char *operands[WORDS_MAX];
	char **command = NULL;
	int rc;

	for (int i = 1; i < argc && !command; i++)
		if (!strcmp(argv[i], "--"))
			command = &argv[i];
	rc = verb_parse(&cmd_hunt, command ? (int)(command - argv) : argc, argv, o, operands);
	if (rc != VERB_GO_ON)
		return rc;
	if (operands[0])
		return verb_fail(EXITCODE_USAGE, "hunt: a command stands behind \"--\": -- %s ...",
				 operands[0]);
	if (command && !command[1])
		return verb_fail(EXITCODE_USAGE, "hunt: there is no command behind \"--\"");
	if (command && o->pid)
		return verb_fail(EXITCODE_USAGE, "hunt: either -p PID or a command, not both");
	if (!command && !o->pid)
		return verb_fail(EXITCODE_USAGE,
				 "hunt: which process? -p PID, or -- and a command");
	*ret_command = command ? command + 1 : NULL;
	return VERB_GO_ON;
}

static int choose(struct hunt *h, const struct hunt_options *o)
{
	struct err err = {""};

	if (!h->ops)
		return verb_fail(EXITCODE_NOTHING_RAN, "hunt: this build has no probes");
	h->config = calloc(1, h->ops->config_size);
	if (!h->config)
		return verb_fail(EXITCODE_FAILURE, "hunt: out of memory");
	if (probe_set_parse(h->ops, o->probes, &h->set, &err))
		return verb_fail(EXITCODE_USAGE, "hunt: --probes: %s", err.text);
	if (!h->set)
		return verb_fail(EXITCODE_USAGE, "hunt: --probes %s: nothing to watch with",
				 o->probes);
	return set_knobs(h->ops->params, &o->knobs, h->config);
}

static int find_prey(struct hunt *h, char **command, pid_t pid)
{
	struct err err = {""};
	int r = command ? prey_find_command(&h->prey, command, &err)
			: prey_find(&h->prey, pid, &err);

	return r ? verb_fail(EXITCODE_USAGE, "hunt: %s", err.text) : VERB_GO_ON;
}

/* A hunt may take long: what cannot be written is told before. */
static int check_out(const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	const char *in = !slash ? "." : slash == dir ? "/" : dir;
	struct stat st;

	if (slash && slash != dir)
		*slash = 0;
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return verb_fail(EXITCODE_USAGE, "hunt: -o %s: %s", path, strerror(EISDIR));
	if (!strcmp(path, "-"))
		return verb_fail(EXITCODE_USAGE, "hunt: -o -: stdout has the tables already");
	if (access(in, W_OK | X_OK))
		return verb_fail(EXITCODE_USAGE, "hunt: -o %s: %s: %s", path, in, strerror(errno));
	return VERB_GO_ON;
}

static int print_json(const struct hunt *h)
{
	_cleanup_json_ cJSON *record = hunt_record(h);

	return verb_print_json(record);
}

static int print_text(const struct hunt *h)
{
	struct err err = {""};

	if (hunt_text(h, stdout, &err))
		return verb_fail(EXITCODE_FAILURE, "hunt: %s", err.text);
	return EXITCODE_OK;
}

/* What is no failure of the hunt, but must be known. */
static void tell_exit(const struct prey *prey)
{
	if (!prey->command || !prey->exited)
		return;
	if (WIFEXITED(prey->status) && WEXITSTATUS(prey->status))
		fprintf(stderr, "uhbench: %s ended with exit code %d\n", prey->command[0],
			WEXITSTATUS(prey->status));
	if (WIFSIGNALED(prey->status))
		fprintf(stderr, "uhbench: %s was ended by signal %d (%s)\n", prey->command[0],
			WTERMSIG(prey->status), strsignal(WTERMSIG(prey->status)));
}

static int report(struct hunt *h, const struct hunt_options *o)
{
	struct err err = {""};
	int rc;

	if (h->end == HUNT_EXITED)
		tell_exit(&h->prey);
	if (h->window.end_ns <= h->window.begin_ns)
		return verb_fail(EXITCODE_FAILURE,
				 "hunt: it was over before the warm-up was: nothing was measured");
	rc = o->json ? print_json(h) : print_text(h);
	if (rc != EXITCODE_OK || !o->out)
		return rc;
	if (hunt_html(h, o->out, &err))
		return verb_fail(EXITCODE_FAILURE, "hunt: %s", err.text);
	fprintf(stderr, "the page: %s\n", o->out);
	return rc;
}

static int hunt(struct hunt *h, const struct hunt_options *o)
{
	struct err err = {""};
	int rc;

	if (h->ops->open(h->set, h->config, &h->prober, &err))
		return verb_fail(EXITCODE_FAILURE, "hunt: %s", err.text);
	rc = hunt_watch(h);
	return rc == VERB_GO_ON ? report(h, o) : rc;
}

static void hunt_free(struct hunt *h)
{
	if (h->prober)
		h->ops->close(h->prober);
	prey_close(&h->prey);
	cJSON_Delete(h->probes);
	cJSON_Delete(h->usage);
	cJSON_Delete(h->foreign);
	cJSON_Delete(h->live.before);
	free(h->config);
}

static int hunt_run(const struct registry *reg, int argc, char **argv)
{
	_cleanup_(hunt_free) struct hunt h = {.ops = reg->prober, .interrupted = &interrupted};
	struct hunt_options o = {.probes = "all", .warmup_ns = UNSET};
	char **command = NULL;
	int rc = parse(argc, argv, &o, &command);

	h.prey = (struct prey){.go = -1, .said = -1, .pidfd = -1};
	if (rc == VERB_GO_ON)
		rc = choose(&h, &o);
	if (rc == VERB_GO_ON)
		rc = find_prey(&h, command, (pid_t)o.pid);
	if (rc == VERB_GO_ON && o.out)
		rc = check_out(o.out);
	if (rc != VERB_GO_ON)
		return rc;
	h.for_ns = o.for_ns;
	h.warmup_ns = o.warmup_ns != UNSET ? o.warmup_ns : command ? 0 : WARMUP_DEFAULT_NS;
	h.live.on = !o.json && isatty(STDERR_FILENO);
	catch_signals(&h.unblocked);
	return hunt(&h, &o);
}

const struct verb cmd_hunt = {
	.name = "hunt",
	.help = "watch a process with the probes, without a matrix",
	.operands = "(-p PID | -- COMMAND)",
	.operands_max = WORDS_MAX,
	.options = hunt_rows,
	.run = hunt_run,
};
