// SPDX-License-Identifier: MIT
/*
 * serve_cycles COUNT CELL: sets a target up and takes it down again, COUNT times in one process, as
 * `uhbench serve` would, and looks whether anything grows: descriptors, memory and threads of this
 * process, its children, the kernel's own memory, and devices. CELL is an entry of a matrix in
 * which everything has one value. The first tenth is a warm-up: allocators keep what they need.
 *
 * Prints what it saw as one line of JSON. Exit code 0: nothing is left; 3: something is, or a cycle
 * failed; 2: usage; 77: the target cannot run here.
 */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/drive/serve.h"
#include "harness/exitcode.h"
#include "harness/registry.h"
#include "harness/target.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/procfs.h"
#include "targets/targets.h"
#include "workloads/workloads.h"

/* Kernel memory comes and goes with others' use of it; a device that stays costs much more. */
#define KERNEL_KIB_FOR_EACH 4
#define KERNEL_KIB_NOISE    8192
#define OWN_KIB_NOISE	    512

struct footprint {
	long descriptors, threads, children, devices;
	long own_kib;	 /* private memory that is there */
	long kernel_kib; /* slabs that cannot be given back, page tables, stacks */
};

static long count_entries(const char *path)
{
	DIR *d = opendir(path);
	long n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static long count_paths(const char *pattern)
{
	glob_t found = {.gl_pathc = 0};
	long n = glob(pattern, GLOB_NOSORT, NULL, &found) ? 0 : (long)found.gl_pathc;

	globfree(&found);
	return n;
}

static long field(const char *path, const char *key)
{
	char text[8192], *at;

	if (fs_read(path, text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* Not the kernel's: workers of a ring that is closed end a little later, by themselves. */
static int count_thread(void *arg, int tid)
{
	struct proc_thread t;
	char dir[48];

	snprintf(dir, sizeof(dir), "/proc/self/task/%d", tid);
	if (!procfs_stat(dir, &t) && strncmp(t.comm, "iou-", 4) != 0)
		++*(long *)arg;
	return 0;
}

static long count_threads(void)
{
	long n = 0;

	return procfs_each("/proc/self/task", count_thread, &n) ? -1 : n;
}

static long count_children(void)
{
	char text[4096];
	long n = 0;

	if (fs_read("/proc/thread-self/children", text, sizeof(text)) < 0)
		return -1;
	for (const char *p = text; (p = strchr(p, ' ')); p++)
		n++;
	return n;
}

static struct footprint look(void)
{
	return (struct footprint){
		.descriptors = count_entries("/proc/self/fd"),
		.threads = count_threads(),
		.children = count_children(),
		.devices = count_paths("/dev/ublk[bc]*") + count_paths("/sys/class/ublk-char/*") +
			   count_paths("/sys/block/ublkb*"),
		.own_kib = field("/proc/self/status", "\nRssAnon:"),
		.kernel_kib = field("/proc/meminfo", "\nSUnreclaim:") +
			      field("/proc/meminfo", "\nPageTables:") +
			      field("/proc/meminfo", "\nKernelStack:"),
	};
}

/* Enough: the signal that ends the serving is blocked, and waits for who asks. */
static int at_once(struct run *run, void *arg)
{
	(void)run;
	(void)arg;
	return -raise(SIGTERM);
}

static int cycle(const struct cell *cell, long count, struct err *err)
{
	char workdir[] = "/tmp/serve-cycles-XXXXXX";
	struct serve_options options = {
		.workdir = workdir, .pad_iters_per_ns = 1, .ready = at_once};
	int r = 0;

	if (!mkdtemp(workdir))
		return err_sys(err, -errno, "%s", workdir);
	for (long i = 0; i < count && !r; i++) {
		r = serve(cell, &options, err);
		if (r)
			err_wrap(err, r, "cycle %ld", i);
	}
	fs_remove_tree(workdir);
	return r;
}

static int differs(const char *what, long before, long after, long slack)
{
	printf("%s\"%s\": [%ld, %ld]", strcmp(what, "descriptors") ? ", " : "{", what, before,
	       after);
	return before < 0 || after < 0 || after - before > slack;
}

static int compare(const struct footprint *a, const struct footprint *b, long count)
{
	int bad = differs("descriptors", a->descriptors, b->descriptors, 0);

	bad |= differs("threads", a->threads, b->threads, 0);
	bad |= differs("children", a->children, b->children, 0);
	bad |= differs("devices", a->devices, b->devices, 0);
	bad |= differs("own_kib", a->own_kib, b->own_kib, OWN_KIB_NOISE);
	bad |= differs("kernel_kib", a->kernel_kib, b->kernel_kib,
		       KERNEL_KIB_NOISE + count * KERNEL_KIB_FOR_EACH);
	printf(", \"cycles\": %ld, \"left\": %s}\n", count, bad ? "true" : "false");
	return bad ? EXITCODE_FAILURE : EXITCODE_OK;
}

int main(int argc, char **argv)
{
	const struct registry reg = {.workloads = workload_table, .targets = target_table};
	_cleanup_json_ cJSON *entry = argc == 3 ? cJSON_Parse(argv[2]) : NULL;
	long count = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	struct footprint before, after;
	struct cell *cell = NULL;
	struct err err;
	int r;

	if (count < 10 || !entry) {
		fprintf(stderr, "usage: serve_cycles COUNT CELL, 10 or more\n");
		return EXITCODE_USAGE;
	}
	r = cell_from_json(&reg, entry, &err, &cell);
	if (!r)
		r = cycle(cell, count / 10, &err);
	before = look();
	if (!r)
		r = cycle(cell, count - count / 10, &err);
	after = look();
	cell_free(cell);
	if (r) {
		fprintf(stderr, "serve_cycles: %s\n", err.text);
		return r == -EOPNOTSUPP ? EXITCODE_NOTHING_RAN : EXITCODE_FAILURE;
	}
	return compare(&before, &after, count);
}
