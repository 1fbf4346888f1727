// SPDX-License-Identifier: MIT
/*
 * block/loop: the kernel's loop device on a file of the run's own. The device clears itself when
 * its last user goes (LO_FLAGS_AUTOCLEAR), that is with the run, however it ends. Its name for
 * people (lo_file_name) is our mark: one that somebody else still holds open can be told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "targets/block/block_backing.h"
#include "targets/block/block_device.h"
#include "targets/block/block_mark.h"
#include "targets/block/block_port.h"
#include "targets/targets.h"

#define CONTROL	 "/dev/loop-control"
#define ATTEMPTS 16 /* others may take the free device before we do */

struct loop_knobs {
	struct block_port_config port;
	struct block_backing_config backing;
	bool direct_io;
	uint64_t block_bytes;
};

static const struct param loop_params[] = {
	BLOCK_PORT_PARAMS(struct loop_knobs, port),
	BLOCK_BACKING_PARAMS(struct loop_knobs, backing),
	{"direct_io", PARAM_BOOL, offsetof(struct loop_knobs, direct_io), "false",
	 .help = "the driver reads and writes its file past the page cache"},
	BLOCK_BYTES_PARAM(struct loop_knobs, block_bytes),
	PARAM_END,
};

static const struct metric loop_metrics[] = {BLOCK_PORT_METRICS, METRIC_END};

struct loop {
	int control, file, device;
	int number;
};

static int loop_check(const struct cell *cell, struct err *err)
{
	const struct loop_knobs *k = cell->target_config;
	int r = block_bytes_check(cell, k->block_bytes, err);

	return r < 0 ? r : block_port_check(cell, &k->port, true, k->backing.size, err);
}

static int loop_supported(struct run *run)
{
	const struct loop_knobs *k = run->target_config;

	if (access(CONTROL, F_OK) < 0)
		return err_set(&run->err, -EOPNOTSUPP,
			       "this machine has no loop devices (no %s: modprobe loop)", CONTROL);
	return block_port_supported(run, &k->port);
}

static uint64_t loop_extra_ns(const struct cell *cell)
{
	const struct loop_knobs *k = cell->target_config;

	return k->backing.fill ? block_fill_ns(cell, k->backing.size) : 0;
}

static int open_free(struct run *run, struct loop *l)
{
	char name[16], path[BLOCK_PATH_MAX];
	int r;

	l->number = ioctl(l->control, LOOP_CTL_GET_FREE);
	if (l->number < 0)
		return err_sys(&run->err, -errno, "a free loop device");
	snprintf(name, sizeof(name), "loop%d", l->number);
	r = block_device_node(run, name, path);
	if (r < 0)
		return r;
	l->device = open(path, O_RDWR | O_CLOEXEC);
	return l->device < 0 ? err_sys(&run->err, -errno, "%s", path) : 0;
}

static int configure(struct run *run, struct loop *l)
{
	const struct loop_knobs *k = run->target_config;
	struct loop_config c = {
		.fd = (uint32_t)l->file,
		.block_size = (uint32_t)k->block_bytes,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (k->direct_io ? LO_FLAGS_DIRECT_IO : 0),
	};
	char mark[BLOCK_MARK_NAME_MAX];

	block_mark_name(mark);
	memcpy(c.info.lo_file_name, mark, sizeof(mark));
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		int r = open_free(run, l);

		if (r < 0 || ioctl(l->device, LOOP_CONFIGURE, &c) == 0)
			return r;
		r = -errno;
		cleanup_close(&l->device);
		if (r != -EBUSY)
			return err_sys(&run->err, r, "LOOP_CONFIGURE of loop%d", l->number);
	}
	return err_set(&run->err, -EBUSY, "%d loop devices were taken by others", ATTEMPTS);
}

/* The driver goes on through the page cache where the file cannot do otherwise. */
static int check_direct(struct run *run, const struct loop *l)
{
	const struct loop_knobs *k = run->target_config;
	struct loop_info64 info;

	if (!k->direct_io)
		return 0;
	if (ioctl(l->device, LOOP_GET_STATUS64, &info) < 0)
		return err_sys(&run->err, -errno, "LOOP_GET_STATUS64");
	if (info.lo_flags & LO_FLAGS_DIRECT_IO)
		return 0;
	return err_set(&run->err, -EOPNOTSUPP,
		       "direct_io: the filesystem of the backing file cannot do it, or not in "
		       "blocks of %llu bytes (knobs `dir`, `block_bytes`)",
		       (unsigned long long)k->block_bytes);
}

static int loop_setup(struct run *run)
{
	const struct loop_knobs *k = run->target_config;
	struct loop *l = run->target = malloc(sizeof(*l));
	struct block_world *w = run->world;
	char name[16], path[BLOCK_PATH_MAX];
	int r;

	if (!l)
		return err_sys(&run->err, -ENOMEM, "loop");
	*l = (struct loop){-1, -1, -1, -1};
	l->file = block_backing_open(run, &k->backing, block_size_bytes(w, k->backing.size));
	if (l->file < 0)
		return l->file;
	l->control = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (l->control < 0)
		return err_sys(&run->err, -errno, CONTROL);
	r = configure(run, l);
	if (r == 0)
		r = check_direct(run, l);
	if (r < 0)
		return r;
	w->keeps_data = true;
	snprintf(name, sizeof(name), "loop%d", l->number);
	r = block_device_node(run, name, path);
	return r < 0 ? r : block_port_attach(run, &k->port, path);
}

static void loop_teardown(struct run *run)
{
	struct loop *l = run->target;

	block_port_detach(run);
	if (!l)
		return;
	cleanup_close(&l->device);
	cleanup_close(&l->file);
	cleanup_close(&l->control);
	free(l);
	run->target = NULL;
}

/* While others have it open the driver only notes that it shall be cleared, and says that all is
 * well: so let go of it and look again. */
static int clear(int *fd, const char *path)
{
	struct loop_info64 info;

	if (ioctl(*fd, LOOP_CLR_FD) < 0 && errno != ENXIO)
		return -errno;
	cleanup_close(fd);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	if (ioctl(*fd, LOOP_GET_STATUS64, &info) < 0)
		return errno == ENXIO ? 0 : -errno;
	return block_mark_name_is_left((const char *)info.lo_file_name) ? -EBUSY : 0;
}

/* 1: the device is one of ours (and gone, with `fix`), 0: it is not. */
static int look_at(const char *name, bool fix, void (*found)(void *arg, const char *what),
		   void *arg)
{
	_cleanup_close_ int fd = -1;
	struct loop_info64 info;
	char path[64], text[160];
	int r = 0;

	snprintf(path, sizeof(path), "/sys/block/%s/loop", name);
	if (access(path, F_OK) < 0)
		return 0;
	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return 0; /* cleared meanwhile, or not ours to see */
	info.lo_file_name[LO_NAME_SIZE - 1] = '\0';
	if (!block_mark_name_is_left((const char *)info.lo_file_name))
		return 0;
	if (fix)
		r = clear(&fd, path);
	if (found && !r) {
		snprintf(text, sizeof(text), "loop device %s, %s", path,
			 "still open in another process after its run ended");
		found(arg, text);
	}
	return r ? r : 1;
}

static int loop_leftovers(bool fix, void (*found)(void *arg, const char *what), void *arg,
			  struct err *err)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int n = 0, failed = 0;

	while (dir && (entry = readdir(dir))) {
		int r = strncmp(entry->d_name, "loop", 4) ? 0
							  : look_at(entry->d_name, fix, found, arg);

		n += r > 0;
		if (r < 0)
			failed = err_sys(err, r, "loop device /dev/%s of a run that has ended",
					 entry->d_name);
	}
	if (dir)
		closedir(dir);
	return failed ? failed : n;
}

const struct target_ops target_block_loop = {
	.workload = "block",
	.name = "loop",
	.help = "the kernel's loop device on a file",
	.params = loop_params,
	.config_size = sizeof(struct loop_knobs),
	.metrics = loop_metrics,
	.check_cell = loop_check,
	.supported = loop_supported,
	.extra_ns = loop_extra_ns,
	.setup = loop_setup,
	.lane_open = block_port_lane_open,
	.submit = block_port_submit,
	.reap = block_port_reap,
	.lane_close = block_port_lane_close,
	.report = block_port_report,
	.teardown = loop_teardown,
	.leftovers = loop_leftovers,
};
