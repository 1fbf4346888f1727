// SPDX-License-Identifier: MIT
/*
 * command: a program of the user's. The workload says which, with values of the cell filled into
 * its words, finds it, and prepares what its execution needs; the targets execute it, either again
 * and again or once through the whole window. There is nothing that an oracle could know: a program
 * that ends with an error ends the run.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"
#include "harness/util/nsec.h"
#include "harness/world/command.h"
#include "workloads/command_ready.h"
#include "workloads/command_words.h"
#include "workloads/workloads.h"

static const char *const stop_names[] = {"TERM", "INT",	 "HUP",	 "QUIT",
					 "USR1", "USR2", "KILL", NULL};
static const int stop_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGKILL};

#define ROW(field_, type_, def_, help_)                                                    \
	.name = #field_, .type = type_, .offset = offsetof(struct command_config, field_), \
	.def = def_, .help = help_

static const struct param command_params[] = {
	{ROW(run, PARAM_STRING, NULL,
	     "the program and its arguments in one text, split as a shell does; ${threads}, ${bin} "
	     "and others are filled in")},
	{ROW(server, PARAM_STRING, NULL,
	     "a program that is started before and serves meanwhile; it is then what is under "
	     "test")},
	{ROW(ready, PARAM_STRING, NULL,
	     "when the server, or else the program, can be used: path:FILE, tcp:HOST:PORT, "
	     "udp:HOST:PORT or line:REGEX")},
	{ROW(env, PARAM_STRING, NULL, "NAME=VALUE words added to the environment of both")},
	{ROW(cwd, PARAM_STRING, NULL, "the folder to start in; empty: one of the run's own")},
	{ROW(bin, PARAM_STRING, NULL,
	     "the value of ${bin}, where no comparison of two programs gives it")},
	{ROW(stop, PARAM_ENUM, "TERM", "the signal that asks a program to end"),
	 .choices = stop_names},
	{.name = "ready_timeout",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct command_config, ready_timeout_ns),
	 .def = "10s",
	 .min = NSEC_PER_MSEC,
	 .max = 3600 * NSEC_PER_SEC,
	 .help = "how long `ready` may take"},
	{.name = "stop_timeout",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct command_config, stop_timeout_ns),
	 .def = "5s",
	 .max = 3600 * NSEC_PER_SEC,
	 .help = "how long a program may take to end before it is killed"},
	PARAM_END,
};

enum value {
	VALUE_THREADS,
	VALUE_DEPTH,
	VALUE_BATCH,
	VALUE_PAYLOAD,
	VALUE_RATE,
	VALUE_DURATION,
	VALUE_DURATION_MS,
	VALUE_WARMUP,
	VALUE_WARMUP_MS,
	VALUE_SEED,
	VALUE_WORKDIR,
	VALUE_STARTDIR,
	VALUE_BIN,
	VALUE_COUNT
};

static const char *const value_names[VALUE_COUNT] = {
	"threads", "depth",	"batch", "payload", "rate",	"duration", "duration_ms",
	"warmup",  "warmup_ms", "seed",	 "workdir", "startdir", "bin",
};

static int find_value(const char *name, enum value *ret, struct err *err)
{
	struct nearest n = nearest_to(name);
	char hint[NEAREST_HINT_MAX];

	for (int i = 0; i < VALUE_COUNT; i++) {
		nearest_offer(&n, value_names[i]);
		if (!strcmp(name, value_names[i])) {
			*ret = (enum value)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "there is no value ${%s}%s", name, nearest_hint(&n, hint));
}

/* Seconds, with as many decimals as it takes. */
static void put_seconds(uint64_t ns, char *text, size_t size)
{
	size_t len =
		(size_t)snprintf(text, size, "%llu.%09llu", (unsigned long long)ns / NSEC_PER_SEC,
				 (unsigned long long)ns % NSEC_PER_SEC);

	while (text[len - 1] == '0')
		text[--len] = 0;
	if (text[len - 1] == '.')
		text[--len] = 0;
}

static int put_bin(const struct run *run, char *text, size_t size, struct err *err)
{
	const struct command_config *c = run->workload_config;
	const char *bin = run->bin ? run->bin : c->bin;
	char start[PATH_MAX] = "";

	if (!*bin)
		return err_set(err, -EINVAL,
			       "${bin} has no value: set the knob `bin`, or compare "
			       "two programs with `uhbench ab --base --head`");
	/* Words with a slash are read from the folder where uhbench was started, here as there. */
	if (*bin != '/' && strchr(bin, '/') && getcwd(start, sizeof(start)))
		snprintf(text, size, "%s/%s", start, bin);
	else
		snprintf(text, size, "%s", bin);
	return 0;
}

/* The values of one run, and which of them a text turned out to have. */
struct filling {
	const struct run *run;
	unsigned used; /* bits of enum value */
};

static int value_of(void *arg, const char *name, char value[static COMMAND_VALUE_MAX],
		    struct err *err)
{
	struct filling *f = arg;
	const struct run *run = f->run;
	const struct axes *axes = &run->cell->axes;
	const uint64_t numbers[VALUE_COUNT] = {
		[VALUE_THREADS] = axes->threads,
		[VALUE_DEPTH] = axes->depth,
		[VALUE_BATCH] = axes->batch,
		[VALUE_PAYLOAD] = axes->payload,
		[VALUE_RATE] = axes->rate,
		[VALUE_DURATION_MS] = (run->duration_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC,
		[VALUE_WARMUP_MS] = (run->warmup_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC,
		[VALUE_SEED] = run->seed,
	};
	enum value which;
	int r = find_value(name, &which, err);

	if (r)
		return r;
	f->used |= 1u << which;
	if (which == VALUE_BIN)
		return put_bin(run, value, COMMAND_VALUE_MAX, err);
	if (which == VALUE_DURATION || which == VALUE_WARMUP)
		put_seconds(which == VALUE_WARMUP ? run->warmup_ns : run->duration_ns, value,
			    COMMAND_VALUE_MAX);
	else if (which == VALUE_WORKDIR)
		snprintf(value, COMMAND_VALUE_MAX, "%s", run->workdir);
	else if (which == VALUE_STARTDIR)
		return getcwd(value, COMMAND_VALUE_MAX) ? 0 : err_sys(err, -errno, "${startdir}");
	else
		snprintf(value, COMMAND_VALUE_MAX, "%" PRIu64, numbers[which]);
	return 0;
}

/* At matrix time no run is known: is it a value at all? What it will be is a digit. `arg` takes the
 * bits of those that are used. */
static int any_value(void *arg, const char *name, char value[static COMMAND_VALUE_MAX],
		     struct err *err)
{
	unsigned *used = arg;
	enum value which;
	int r = find_value(name, &which, err);

	if (r)
		return r;
	*used |= 1u << which;
	strcpy(value, "1");
	return 0;
}

/* Which values a text has, as words that are checked: what stands behind a \ is none. */
static unsigned values_used(const char *text)
{
	char **words = NULL;
	unsigned used = 0;
	struct err err;

	if (command_words(text, any_value, &used, &words, &err))
		return 0;
	command_words_free(words);
	return used;
}

/* Does ${bin} become a part of what is executed? Two programs that nobody executes would be the
 * same to the last figure. */
static bool has_bin(const struct command_config *c)
{
	return (values_used(c->run) | values_used(c->server) | values_used(c->env)) &
	       1u << VALUE_BIN;
}

/* What the words of one knob must be like. */
static int check_words(const char *knob, const char *text, bool program, struct err *err)
{
	char **words = NULL;
	unsigned used = 0;
	int r = command_words(text, any_value, &used, &words, err);

	if (!r && program && words[0] && words[0][0] == '-')
		r = err_set(err, -EINVAL,
			    "the program's name begins with \"-\": program and arguments are one "
			    "text, and a list is one of several commands");
	if (!r && program && !(words[0] && words[0][0]))
		r = err_set(err, -EINVAL, "there is no program in it");
	for (size_t i = 0; !r && !program && words[i]; i++)
		if (!strchr(words[i], '=') || words[i][0] == '=')
			r = err_set(err, -EINVAL, "word %zu is not NAME=VALUE", i + 1);
	command_words_free(words);
	return r ? err_wrap(err, r, "%s", knob) : 0;
}

static int command_check_cell(const struct cell *cell, struct err *err)
{
	const struct command_config *c = cell->workload_config;
	char filled[PARAM_STRING_MAX];
	struct command_ready ready;
	unsigned used = 0;
	int r;

	if (!*c->run)
		return err_set(err, -EINVAL,
			       "which program? \"with\": {\"run\": \"./program "
			       "--threads ${threads}\"}");
	r = check_words("run", c->run, true, err);
	if (!r && *c->server)
		r = check_words("server", c->server, true, err);
	if (!r)
		r = check_words("env", c->env, false, err);
	if (r)
		return r;
	r = command_fill(c->cwd, any_value, &used, filled, sizeof(filled), err);
	if (r)
		return err_wrap(err, r, "cwd");
	r = command_fill(c->ready, any_value, &used, filled, sizeof(filled), err);
	if (!r)
		r = command_ready_read(filled, &ready, err);
	if (r)
		return err_wrap(err, r, "ready");
	command_ready_clear(&ready);
	return 0;
}

static uint64_t command_extra_ns(const struct cell *cell)
{
	const struct command_config *c = cell->workload_config;

	/* The program may end by itself, then it is asked to, and after it the server. */
	return (*c->ready ? c->ready_timeout_ns : 0) + 3 * c->stop_timeout_ns;
}

/* 0, or why this is no program: -ENOENT, -ENOEXEC. */
static int judge_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? -ENOEXEC : -ENOENT;
	return S_ISREG(st.st_mode) && !access(path, X_OK) ? 0 : -ENOEXEC;
}

static int search_path(const char *name, char *path, size_t size)
{
	_cleanup_free_ char *folders = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	char *save = NULL;

	for (char *f = strtok_r(folders, ":", &save); f; f = strtok_r(NULL, ":", &save)) {
		snprintf(path, size, "%s/%s", f, name);
		if (*f == '/' && !judge_file(path))
			return 0;
	}
	return -ENOENT;
}

static int find_program(const char *name, char **ret, struct err *err)
{
	char start[PATH_MAX], path[2 * PATH_MAX];
	int r;

	if (!strchr(name, '/')) {
		if (search_path(name, path, sizeof(path)))
			return err_set(err, -ENOENT, "there is no program \"%s\" in $PATH", name);
	} else {
		if (!getcwd(start, sizeof(start)))
			return err_sys(err, -errno, "the current folder");
		snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : start,
			 *name == '/' ? "" : "/", name);
		r = judge_file(path);
		if (r == -ENOENT)
			return err_set(err, r, "there is no program %s", path);
		if (r)
			return err_set(err, r, "%s is no file that may be executed", path);
	}
	*ret = strdup(path);
	return *ret ? 0 : err_sys(err, -ENOMEM, "%s", name);
}

static int make_line(struct run *run, const char *knob, const char *text, struct command_line *line)
{
	struct filling f = {.run = run};
	int r = command_words(text, value_of, &f, &line->argv, &run->err);

	if (!r && !line->argv[0])
		r = err_set(&run->err, -EINVAL, "there is no program in it");
	if (!r)
		r = find_program(line->argv[0], &line->path, &run->err);
	return r ? err_wrap(&run->err, r, "%s", knob) : 0;
}

/* Ours, and behind it what the knob adds: of a name that comes twice, ours is left out. */
static int make_env(struct run *run, struct command_world *w, char **added)
{
	size_t n = 0, k = 0;

	while (environ[n])
		n++;
	for (size_t i = 0; added[i]; i++)
		n++;
	w->envp = calloc(n + 1, sizeof(*w->envp));
	if (!w->envp)
		return err_sys(&run->err, -ENOMEM, "environment");
	for (size_t i = 0; environ[i]; i++) {
		size_t len = strcspn(environ[i], "=") + 1;
		bool again = false;

		for (size_t j = 0; added[j]; j++)
			again |= !strncmp(added[j], environ[i], len);
		if (!again)
			w->envp[k++] = strdup(environ[i]);
	}
	for (size_t i = 0; added[i]; i++)
		w->envp[k++] = strdup(added[i]);
	for (size_t i = 0; i < k; i++)
		if (!w->envp[i])
			return err_sys(&run->err, -ENOMEM, "environment");
	return 0;
}

static int make_cwd(struct run *run, struct command_world *w)
{
	char filled[PARAM_STRING_MAX];
	struct stat st;
	struct filling f = {.run = run};
	int r = command_fill(w->config->cwd, value_of, &f, filled, sizeof(filled), &run->err);

	if (r)
		return err_wrap(&run->err, r, "cwd");
	snprintf(w->cwd, sizeof(w->cwd), "%s", *filled ? filled : run->workdir);
	if (stat(w->cwd, &st) || !S_ISDIR(st.st_mode))
		return err_set(&run->err, -ENOENT, "cwd: %s is not a folder", w->cwd);
	if (*w->cwd == '/')
		return 0;
	return realpath(filled, w->cwd) ? 0 : err_sys(&run->err, -errno, "cwd: %s", filled);
}

static int make_ready(struct run *run, struct command_world *w)
{
	char filled[PARAM_STRING_MAX], *path = w->ready.path;
	struct filling f = {.run = run};
	int r = command_fill(w->config->ready, value_of, &f, filled, sizeof(filled), &run->err);

	if (!r)
		r = command_ready_read(filled, &w->ready, &run->err);
	if (!r && w->ready.kind == READY_PATH && *path != '/') {
		snprintf(filled, sizeof(filled), "%s", path);
		if (snprintf(path, sizeof(w->ready.path), "%s/%s", w->cwd, filled) >=
		    (int)sizeof(w->ready.path))
			r = err_sys(&run->err, -ENAMETOOLONG, "%s", filled);
	}
	return r ? err_wrap(&run->err, r, "ready") : 0;
}

static int check_bin(struct run *run, const struct command_config *c)
{
	if (!run->bin || has_bin(c))
		return 0;
	return err_set(&run->err, -EINVAL,
		       "two programs are compared, and none of `run`, `server` and `env` has "
		       "${bin}");
}

static int fill_world(struct run *run, struct command_world *w)
{
	const struct command_config *c = w->config;
	struct filling f = {.run = run};
	char **added = NULL;
	int r = check_bin(run, c);

	if (!r)
		r = make_line(run, "run", c->run, &w->program);
	w->ends_itself = values_used(c->run) & (1u << VALUE_DURATION | 1u << VALUE_DURATION_MS);
	if (!r && *c->server)
		r = make_line(run, "server", c->server, &w->server);
	if (!r)
		r = make_cwd(run, w);
	if (!r)
		r = make_ready(run, w);
	if (r)
		return r;
	r = command_words(c->env, value_of, &f, &added, &run->err);
	if (r)
		return err_wrap(&run->err, r, "env");
	r = make_env(run, w, added);
	command_words_free(added);
	return r;
}

static int command_setup(struct run *run)
{
	struct command_world *w = calloc(1, sizeof(*w));

	if (!w)
		return err_sys(&run->err, -ENOMEM, "command");
	run->workload = run->world = w;
	w->config = run->workload_config;
	w->stop_signal = stop_signals[w->config->stop];
	return fill_world(run, w);
}

static void line_free(struct command_line *line)
{
	free(line->path);
	command_words_free(line->argv);
}

static void command_teardown(struct run *run)
{
	struct command_world *w = run->workload;

	if (!w)
		return;
	line_free(&w->program);
	line_free(&w->server);
	command_words_free(w->envp);
	command_ready_clear(&w->ready);
	free(w);
	run->workload = run->world = NULL;
}

static bool command_takes_program(const struct cell *cell)
{
	return has_bin(cell->workload_config);
}

const struct workload_ops workload_command = {
	.name = "command",
	.help = "a program of your own: run again and again, or once through the window",
	.op_name = "execution",
	.params = command_params,
	.config_size = sizeof(struct command_config),
	.payload_max = 1ull << 40, /* for ${payload} alone */
	.payload_told = true,
	.runs_programs = true,
	.takes_program = command_takes_program,
	.check_cell = command_check_cell,
	.extra_ns = command_extra_ns,
	.setup = command_setup,
	.teardown = command_teardown,
};
