// SPDX-License-Identifier: MIT
/*
 * block/device: a block device that is there already, of whomever: a disk, or somebody's own ublk
 * server. A run that only reads opens it for reading alone, and may do so whatever is on it and
 * whoever uses it; one that changes it first claims it (block_claim.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "harness/util/cleanup.h"
#include "targets/block/block_claim.h"
#include "targets/block/block_port.h"
#include "targets/targets.h"

struct device_knobs {
	struct block_port_config port;
	char path[PARAM_STRING_MAX];
	bool destroy;
};

static const struct param device_params[] = {
	BLOCK_PORT_PARAMS(struct device_knobs, port),
	{"path", PARAM_STRING, offsetof(struct device_knobs, path), "", .unit = "path",
	 .help = "the block device; one that is mounted, swap or held is only ever read"},
	{"destroy", PARAM_BOOL, offsetof(struct device_knobs, destroy), "false",
	 .help = "permit to overwrite a device with partitions, a filesystem or another signature"},
	PARAM_END,
};

static const struct metric device_metrics[] = {BLOCK_PORT_METRICS, METRIC_END};

struct device {
	int claim; /* -1: the run only reads */
};

static int device_check(const struct cell *cell, struct err *err)
{
	const struct device_knobs *k = cell->target_config;

	if (!k->path[0])
		return err_set(err, -EINVAL, "path: which block device? (\"/dev/...\")");
	return block_port_check(cell, &k->port, true, 0, err);
}

static int device_supported(struct run *run)
{
	const struct device_knobs *k = run->target_config;

	if (access(k->path, F_OK) < 0)
		return err_set(&run->err, -EOPNOTSUPP, "this machine has no %s", k->path);
	return block_port_supported(run, &k->port);
}

/* A name may have moved on to another device since it was claimed (/dev/disk/by-*). */
static int check_claimed(struct run *run, const struct device *d)
{
	const struct block_world *w = run->world;
	struct stat st;

	if (d->claim < 0)
		return 0;
	if (fstat(d->claim, &st) < 0)
		return err_sys(&run->err, -errno, "%s", w->path);
	return st.st_rdev == w->device
		       ? 0
		       : err_set(&run->err, -ENODEV,
				 "%s is no longer the device that was found free a moment ago",
				 w->path);
}

static int device_setup(struct run *run)
{
	const struct device_knobs *k = run->target_config;
	struct device *d = run->target = malloc(sizeof(*d));
	struct block_world *w = run->world;
	int r;

	if (!d)
		return err_sys(&run->err, -ENOMEM, "device");
	d->claim = -1;
	if (block_world_writes(w)) {
		d->claim = block_claim(k->path, k->destroy, &run->err);
		if (d->claim < 0)
			return d->claim;
	}
	w->keeps_data = true;
	r = block_port_attach(run, &k->port, k->path);
	return r < 0 ? r : check_claimed(run, d);
}

static void device_teardown(struct run *run)
{
	struct device *d = run->target;

	block_port_detach(run);
	if (!d)
		return;
	cleanup_close(&d->claim);
	free(d);
	run->target = NULL;
}

const struct target_ops target_block_device = {
	.workload = "block",
	.name = "device",
	.help = "a block device that is there already; changed only if it is free and empty",
	.params = device_params,
	.config_size = sizeof(struct device_knobs),
	.metrics = device_metrics,
	.check_cell = device_check,
	.supported = device_supported,
	.setup = device_setup,
	.lane_open = block_port_lane_open,
	.submit = block_port_submit,
	.reap = block_port_reap,
	.lane_close = block_port_lane_close,
	.report = block_port_report,
	.teardown = device_teardown,
};
