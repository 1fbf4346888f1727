// SPDX-License-Identifier: MIT
/*
 * uhbench serve TARGET [KNOB=VALUE]...: a target's device for other programs, until a signal. The
 * target runs exactly as under load: same knobs, same server process, same clean-up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "harness/cli/verbs.h"
#include "harness/drive/roles.h"
#include "harness/drive/serve.h"
#include "harness/pad.h"
#include "harness/session/leftover.h"
#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"
#include "harness/world/block.h"

#define WORKLOAD     "block"
#define OPERANDS_MAX 32

struct serve_flags {
	const char *dir, *cpus;
};

/* {workload, target, cpus?} */
static cJSON *make_entry(const char *target, const char *cpus)
{
	cJSON *entry = cJSON_CreateObject();

	cJSON_AddStringToObject(entry, "workload", WORKLOAD);
	cJSON_AddStringToObject(entry, "target", target);
	if (cpus)
		cJSON_AddStringToObject(cJSON_AddObjectToObject(entry, "cpus"),
					role_names[ROLE_TARGET], cpus);
	return entry;
}

static int set_knob(const struct cell *cell, const char *word, struct err *err)
{
	const struct param *rows = cell->target->params, *row;
	const char *equals = strchr(word, '=');
	char name[64], hint[NEAREST_HINT_MAX];
	struct nearest nearest;
	int r;

	if (!equals || equals == word)
		return err_set(err, -EINVAL, "\"%s\" is not KNOB=VALUE", word);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word), word);
	row = param_find(rows, name);
	if (row) {
		r = param_set_text(row, equals + 1, cell->target_config, err);
		return r ? err_wrap(err, r, "%s", name) : 0;
	}
	nearest = nearest_to(name);
	for (row = rows; row && row->name; row++)
		nearest_offer(&nearest, row->name);
	return err_set(err, -EINVAL, "target %s has no knob \"%s\"%s", cell->target->name, name,
		       nearest_hint(&nearest, hint));
}

static int find_target(const struct registry *reg, const char *name, struct err *err)
{
	struct nearest nearest = nearest_to(name);
	char hint[NEAREST_HINT_MAX];

	if (registry_target(reg, WORKLOAD, name))
		return 0;
	for (size_t i = 0; reg->targets[i]; i++)
		if (!strcmp(reg->targets[i]->workload, WORKLOAD))
			nearest_offer(&nearest, reg->targets[i]->name);
	return err_set(err, -EINVAL, "no target of the workload " WORKLOAD " is called \"%s\"%s",
		       name, nearest_hint(&nearest, hint));
}

static int read_cell(const struct registry *reg, const char **words, const char *cpus,
		     struct cell **ret, struct err *err)
{
	_cleanup_json_ cJSON *entry = make_entry(words[0], cpus);
	struct cell *cell = NULL;
	int r = find_target(reg, words[0], err);

	if (!r)
		r = cell_read(reg, entry, err, &cell);
	for (unsigned i = 1; !r && words[i]; i++)
		r = set_knob(cell, words[i], err);
	if (!r)
		r = cell_check(cell, err);
	if (r) {
		cell_free(cell);
		return r;
	}
	*ret = cell;
	return 0;
}

/* One line of JSON: what other programs need to use it. */
static int say_ready(struct run *run, void *arg)
{
	const struct block_world *world = run->world;
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	const struct serve_flags *flags = arg;
	const struct role_process *processes;
	char number[32];

	if (flags->cpus && !roles_processes(run->roles, &processes))
		return err_set(&run->err, -EINVAL,
			       "--cpus: the target %s has no server of its own to be placed",
			       run->cell->target->name);
	snprintf(number, sizeof(number), "%u:%u", major(world->device), minor(world->device));
	cJSON_AddStringToObject(o, "target", run->cell->target->name);
	cJSON_AddStringToObject(o, "path", world->path);
	cJSON_AddStringToObject(o, "device", number);
	cJSON_AddNumberToObject(o, "capacity_bytes", (double)world->capacity_bytes);
	cJSON_AddNumberToObject(o, "logical_block_bytes", world->logical_block_bytes);
	cJSON_AddNumberToObject(o, "pid", getpid());
	text = cJSON_PrintUnformatted(o);
	if (!text)
		return err_sys(&run->err, -ENOMEM, "serve");
	if (puts(text) < 0 || fflush(stdout))
		return err_sys(&run->err, -errno, "standard output");
	return 0;
}

/* Claimed by nobody: a mounted device, swap, or part of another device is. */
static bool may_end(struct run *run, void *arg)
{
	const struct block_world *world = run->world;
	_cleanup_close_ int fd = open(world->path, O_RDONLY | O_EXCL | O_CLOEXEC);

	(void)arg;
	if (fd >= 0 || errno != EBUSY)
		return true;
	fprintf(stderr,
		"%s is mounted, swap, or held by another device: let go of it; another signal "
		"removes it beneath its users\n",
		world->path);
	return false;
}

static enum exitcode code_of(int r)
{
	if (r == -EOPNOTSUPP || r == -EPERM || r == -EACCES)
		return EXITCODE_NOTHING_RAN;
	return r == -EINVAL ? EXITCODE_USAGE : EXITCODE_FAILURE;
}

static void sweep(const struct registry *reg)
{
	struct err err = {""};
	unsigned folders = 0;
	int r = leftover_sweep(&folders, &err),
	    devices = registry_leftovers(reg, true, NULL, NULL, &err);

	if (r || devices < 0)
		fprintf(stderr, "uhbench: serve: %s\n", err.text);
	if (folders || devices > 0)
		fprintf(stderr, "removed what killed runs had left: %u work folders, %d devices\n",
			folders, max_of(devices, 0));
}

static int serve_in(const char *workdir, const struct cell *cell, struct serve_flags *flags)
{
	struct serve_options options = {.workdir = workdir,
					.pad_iters_per_ns = pad_calibrate(),
					.ready = say_ready,
					.may_end = may_end,
					.arg = flags};
	struct err err = {""};
	int r = serve(cell, &options, &err);

	return r ? verb_fail(code_of(r), "serve: %s", err.text) : EXITCODE_OK;
}

static const struct option_row serve_rows[] = {
	{.name = "dir",
	 .arg = "DIR",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct serve_flags, dir),
	 .help = "make what the target needs (a backing file) below DIR (default: /tmp)"},
	{.name = "cpus",
	 .arg = "LIST",
	 .kind = OPTION_STRING,
	 .offset = offsetof(struct serve_flags, cpus),
	 .help = "run the server on these CPUs: 0-1,3"},
	OPTION_END,
};

static int serve_main(const struct registry *reg, int argc, char **argv)
{
	struct serve_flags flags = {.dir = "/tmp"};
	const char *words[OPERANDS_MAX + 1] = {NULL};
	int rc = verb_parse(&cmd_serve, argc, argv, &flags, words);
	struct leftover *leftover = NULL;
	struct cell *cell = NULL;
	struct err err;

	if (rc != VERB_GO_ON)
		return rc;
	if (read_cell(reg, words, flags.cpus, &cell, &err))
		return verb_fail(EXITCODE_USAGE, "serve: %s", err.text);
	sweep(reg);
	if (leftover_begin(flags.dir, &leftover, &err))
		rc = verb_fail(EXITCODE_USAGE, "serve: --dir: %s", err.text);
	else
		rc = serve_in(leftover_workdir(leftover), cell, &flags);
	leftover_end(leftover);
	cell_free(cell);
	return rc;
}

const struct verb cmd_serve = {
	.name = "serve",
	.help = "keep a block target's device for other programs, until a signal",
	.operands = "TARGET [KNOB=VALUE]...",
	.operands_min = 1,
	.operands_max = OPERANDS_MAX,
	.options = serve_rows,
	.run = serve_main,
};
