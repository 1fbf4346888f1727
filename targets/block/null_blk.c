// SPDX-License-Identifier: MIT
/*
 * block/null_blk: the kernel's device that answers at once and keeps nothing, made for the run by
 * configfs (Documentation/block/null_blk.rst, drivers/block/null_blk). Its name is our mark, since
 * it stays when we are killed. What the driver makes of a knob is read back: it lowers some of them
 * without a word.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/mount.h"
#include "targets/block/block_backing.h"
#include "targets/block/block_device.h"
#include "targets/block/block_mark.h"
#include "targets/block/block_port.h"
#include "targets/targets.h"

#define MIB	   1048576ull
#define FOLDER_MAX 192
#define PATH_SIZE  (FOLDER_MAX + 64)

enum irqmode { IRQ_NONE, IRQ_SOFTIRQ, IRQ_TIMER }; /* the driver's numbers */

struct null_knobs {
	struct block_port_config port;
	uint64_t size, block_bytes;
	uint64_t queues, queue_depth;
	uint64_t completion_ns;
	int irqmode;
	bool memory_backed, no_sched;
};

static const char *const irqmode_choices[] = {"none", "softirq", "timer", NULL};

#define AT(field) offsetof(struct null_knobs, field)

static const struct param null_params[] = {
	BLOCK_PORT_PARAMS(struct null_knobs, port),
	BLOCK_SIZE_PARAM(struct null_knobs, size),
	BLOCK_BYTES_PARAM(struct null_knobs, block_bytes),
	{"queues", PARAM_INT, AT(queues), "1", 1, 4096,
	 .help = "hardware queues of the device: no more than there are CPUs"},
	{"queue_depth", PARAM_INT, AT(queue_depth), "128", 1, 10240,
	 .help = "requests that a queue has room for (tags)"},
	{"irqmode", PARAM_ENUM, AT(irqmode), "softirq", .choices = irqmode_choices,
	 .help = "how a request completes: on the spot, in a softirq, or by a timer after "
		 "`completion`"},
	{"completion", PARAM_TIME, AT(completion_ns), "10us", .min = 1, .max = 10000000000,
	 .help = "what a request takes with irqmode timer"},
	{"memory_backed", PARAM_BOOL, AT(memory_backed), "false",
	 .help = "keep what is written, in the kernel's memory"},
	{"no_sched", PARAM_BOOL, AT(no_sched), "false",
	 .help = "without an I/O scheduler, which devices of one queue have by default"},
	PARAM_END,
};

static const struct metric null_metrics[] = {BLOCK_PORT_METRICS, METRIC_END};

struct null {
	char name[BLOCK_MARK_NAME_MAX];
	char folder[FOLDER_MAX]; /* of the device; "" until it is made */
};

static int null_check(const struct cell *cell, struct err *err)
{
	const struct null_knobs *k = cell->target_config;
	int r = block_bytes_check(cell, k->block_bytes, err);

	return r < 0 ? r : block_port_check(cell, &k->port, k->memory_backed, k->size, err);
}

/* Where the driver's folder is, or why it is not. */
static int find_folder(char ret[static FOLDER_MAX], struct err *err)
{
	struct mount m;

	if (access("/sys/module/null_blk", F_OK) < 0)
		return err_set(err, -EOPNOTSUPP,
			       "the null_blk driver is not loaded (modprobe null_blk "
			       "nr_devices=0)");
	if (mount_of_type("configfs", &m) < 0)
		return err_set(err, -EOPNOTSUPP,
			       "configfs is not mounted (mount -t configfs none "
			       "/sys/kernel/config)");
	if (snprintf(ret, FOLDER_MAX, "%s/nullb", m.point) >= FOLDER_MAX)
		return err_sys(err, -ENAMETOOLONG, "%s", m.point);
	if (access(ret, F_OK) < 0)
		return err_sys(err, -EOPNOTSUPP, "null_blk without configfs (%s)", ret);
	return 0;
}

static int null_supported(struct run *run)
{
	const struct null_knobs *k = run->target_config;
	char folder[FOLDER_MAX];
	int r = find_folder(folder, &run->err);

	return r < 0 ? r : block_port_supported(run, &k->port);
}

static int put(struct run *run, const char *folder, const char *name, uint64_t value)
{
	char path[PATH_SIZE], text[32];
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	r = fs_put(path, text);
	if (r == -ENOENT)
		return err_set(&run->err, -EOPNOTSUPP, "this kernel's null_blk has no %s", name);
	return r < 0 ? err_sys(&run->err, r, "null_blk: %s = %s", name, text) : 0;
}

static int configure(struct run *run, const struct null *n)
{
	const struct null_knobs *k = run->target_config;
	const struct {
		const char *name;
		uint64_t value;
		bool skip; /* not every kernel has it: only where it is asked for */
	} rows[] = {
		{"size", block_size_bytes(run->world, k->size) / MIB, false},
		{"blocksize", k->block_bytes, false},
		{"submit_queues", k->queues, false},
		{"poll_queues", k->port.poll ? k->queues : 0, false},
		{"hw_queue_depth", k->queue_depth, false},
		{"irqmode", (uint64_t)k->irqmode, false},
		{"completion_nsec", k->completion_ns, false},
		{"memory_backed", k->memory_backed, false},
		{"discard", 1, !k->memory_backed},
		{"no_sched", 1, !k->no_sched},
		{"power", 1, false},
	};
	int r = 0;

	for (unsigned i = 0; r == 0 && i < array_size(rows); i++)
		if (!rows[i].skip)
			r = put(run, n->folder, rows[i].name, rows[i].value);
	return r;
}

/* The driver has as many queues as there are CPUs at most, and does not say so. */
static int check_queues(struct run *run, const struct null *n)
{
	const struct null_knobs *k = run->target_config;
	char path[PATH_SIZE];
	uint64_t queues;
	int r;

	snprintf(path, sizeof(path), "%s/submit_queues", n->folder);
	r = fs_read_u64(path, &queues);
	if (r < 0)
		return err_sys(&run->err, r, "%s", path);
	if (queues == k->queues)
		return 0;
	return err_set(&run->err, -EOPNOTSUPP,
		       "queues: null_blk has %llu of the %llu here (one for each CPU at most)",
		       (unsigned long long)queues, (unsigned long long)k->queues);
}

static int null_setup(struct run *run)
{
	const struct null_knobs *k = run->target_config;
	struct null *n = run->target = calloc(1, sizeof(*n));
	char folder[FOLDER_MAX], path[BLOCK_PATH_MAX];
	struct block_world *w = run->world;
	int r;

	if (!n)
		return err_sys(&run->err, -ENOMEM, "null_blk");
	block_mark_name(n->name);
	r = find_folder(folder, &run->err);
	if (r < 0)
		return r;
	if (strlen(folder) + strlen(n->name) + 2 > sizeof(n->folder))
		return err_sys(&run->err, -ENAMETOOLONG, "%s", folder);
	stpcpy(stpcpy(stpcpy(n->folder, folder), "/"), n->name);
	if (mkdir(n->folder, 0755) < 0) {
		r = err_sys(&run->err, -errno, "%s", n->folder);
		n->folder[0] = '\0';
		return r;
	}
	r = configure(run, n);
	if (r == 0)
		r = check_queues(run, n);
	if (r == 0)
		r = block_device_node(run, n->name, path);
	w->keeps_data = k->memory_backed;
	return r < 0 ? r : block_port_attach(run, &k->port, path);
}

/* Powers the device off and removes it. */
static int remove_device(const char *folder)
{
	char path[PATH_SIZE];
	int r;

	snprintf(path, sizeof(path), "%s/power", folder);
	r = fs_put(path, "0");
	if (r == 0 && rmdir(folder) < 0)
		r = -errno;
	return r;
}

static void null_teardown(struct run *run)
{
	struct null *n = run->target;
	int r;

	block_port_detach(run);
	if (!n)
		return;
	r = n->folder[0] ? remove_device(n->folder) : 0;
	if (r < 0 && !run->err.text[0])
		err_sys(&run->err, r, "removing %s", n->folder);
	free(n);
	run->target = NULL;
}

static int look_at(const char *root, const char *name, bool fix,
		   void (*found)(void *arg, const char *what), void *arg, struct err *err)
{
	char folder[PATH_SIZE], text[PATH_SIZE + 32];
	int r;

	if (!block_mark_name_is_left(name))
		return 0;
	if (snprintf(folder, sizeof(folder), "%s/%s", root, name) >= (int)sizeof(folder))
		return 0; /* longer than any name of ours */
	r = fix ? remove_device(folder) : 0;
	if (found && r == 0) {
		snprintf(text, sizeof(text), "null_blk device %s", folder);
		found(arg, text);
	}
	return r < 0 ? err_sys(err, r, "removing %s", folder) : 1;
}

static int null_leftovers(bool fix, void (*found)(void *arg, const char *what), void *arg,
			  struct err *err)
{
	char folder[FOLDER_MAX];
	int r = find_folder(folder, NULL), n = 0, failed = 0;
	DIR *dir = r < 0 ? NULL : opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		r = look_at(folder, entry->d_name, fix, found, arg, err);
		if (r < 0)
			failed = r;
		else
			n += r;
	}
	if (dir)
		closedir(dir);
	return failed ? failed : n;
}

const struct target_ops target_block_null_blk = {
	.workload = "block",
	.name = "null_blk",
	.help = "the kernel's block device without a disk: the cost of everything above it",
	.params = null_params,
	.config_size = sizeof(struct null_knobs),
	.metrics = null_metrics,
	.check_cell = null_check,
	.supported = null_supported,
	.setup = null_setup,
	.lane_open = block_port_lane_open,
	.submit = block_port_submit,
	.reap = block_port_reap,
	.lane_close = block_port_lane_close,
	.report = block_port_report,
	.teardown = null_teardown,
	.leftovers = null_leftovers,
};
