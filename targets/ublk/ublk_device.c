// SPDX-License-Identifier: MIT
/* A ublk device as the knobs describe it; see the header. */
#include "targets/ublk/ublk_device.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "harness/util/cleanup.h"
#include "targets/ublk/ublk_features.h"

static uint64_t flags_wanted(const struct ublk_config *c)
{
	static const uint64_t of_copy[] = {
		[UBLK_COPY_KERNEL] = 0,
		[UBLK_COPY_USER] = UBLK_F_USER_COPY,
		[UBLK_COPY_ZERO] = UBLK_F_SUPPORT_ZERO_COPY,
		[UBLK_COPY_AUTO] = UBLK_F_SUPPORT_ZERO_COPY | UBLK_F_AUTO_BUF_REG,
	};
	static const uint64_t of_recovery[] = {
		[UBLK_RECOVERY_NONE] = 0,
		[UBLK_RECOVERY_FAIL] = UBLK_F_USER_RECOVERY,
		[UBLK_RECOVERY_REISSUE] = UBLK_F_USER_RECOVERY | UBLK_F_USER_RECOVERY_REISSUE,
	};

	return of_copy[c->copy] | of_recovery[c->recovery] |
	       (c->queue_tasks > 1 ? UBLK_F_PER_IO_DAEMON : 0);
}

static int lacks(const struct ublk_config *c, uint64_t features, struct err *err)
{
	uint64_t missing = flags_wanted(c) & ~features;

	for (const struct ublk_feature *f = ublk_features; f->name; f++)
		if (missing & f->bit)
			return err_set(err, -EOPNOTSUPP,
				       "this kernel's ublk driver has no %s (Linux %s)", f->name,
				       f->since);
	return 0;
}

/* Drivers before 6.5 cannot be asked; what they refuse is told when the device is added. */
static int check_features(struct ublk_ctl *ctl, const struct ublk_config *c, struct err *err)
{
	uint64_t features;
	int r = ublk_ctl_features(ctl, &features, err);

	if (r == -EOPNOTSUPP)
		return 0;
	return r ? r : lacks(c, features, err);
}

int ublk_device_supported(const struct ublk_config *c, struct err *err)
{
	struct ublk_ctl *ctl = NULL;
	int r = ublk_ctl_open((enum ublk_encoding)c->encoding, &ctl, err);

	if (!r)
		r = check_features(ctl, c, err);
	ublk_ctl_close(ctl);
	return r;
}

static uint8_t shift_of(uint64_t power_of_two)
{
	return (uint8_t)__builtin_ctzll(power_of_two);
}

static int set_params(struct ublk_device *d, const struct ublk_config *c, struct err *err)
{
	uint32_t largest = UINT32_MAX >> 9 & ~7u;
	struct ublk_params p = {
		.types = UBLK_PARAM_TYPE_BASIC | UBLK_PARAM_TYPE_DISCARD,
		.basic = {.attrs = c->write_cache ? UBLK_ATTR_VOLATILE_CACHE | UBLK_ATTR_FUA : 0,
			  .logical_bs_shift = shift_of(c->block_bytes),
			  .physical_bs_shift = shift_of(max_of(c->block_bytes, 4096ul)),
			  .io_min_shift = shift_of(c->block_bytes),
			  .io_opt_shift = shift_of(max_of(c->block_bytes, 4096ul)),
			  .max_sectors = d->dev.max_io_bytes >> 9,
			  .dev_sectors = c->bytes >> 9},
		.discard = {.discard_granularity = (uint32_t)c->block_bytes,
			    .max_discard_sectors = largest,
			    .max_write_zeroes_sectors = largest,
			    .max_discard_segments = 1},
	};

	return ublk_ctl_set_params(d->ctl, d->dev.id, &p, err);
}

/* nr_hw_queues is clamped to the number of CPUs (drivers/block/ublk_drv.c, ublk_ctrl_add_dev). */
static int check_granted(const struct ublk_device *d, const struct ublk_config *c, struct err *err)
{
	if (d->dev.queues != c->queues)
		return err_set(err, -EOPNOTSUPP,
			       "queues: the driver gives no more than there are CPUs, %u, not %llu",
			       d->dev.queues, (unsigned long long)c->queues);
	if (d->dev.depth != c->queue_depth || d->dev.max_io_bytes != c->max_io_bytes)
		return err_set(
			err, -EOPNOTSUPP,
			"the driver gives a queue depth of %u and requests of %u bytes, not %llu and %llu",
			d->dev.depth, d->dev.max_io_bytes, (unsigned long long)c->queue_depth,
			(unsigned long long)c->max_io_bytes);
	return 0;
}

int ublk_device_add(struct ublk_device *d, const struct ublk_config *c, struct err *err)
{
	int r;

	*d = (struct ublk_device){.dev = {.id = UBLK_ANY_ID,
					  .queues = (unsigned)c->queues,
					  .depth = (unsigned)c->queue_depth,
					  .max_io_bytes = (unsigned)c->max_io_bytes,
					  .flags = flags_wanted(c)}};
	r = ublk_ctl_open((enum ublk_encoding)c->encoding, &d->ctl, err);
	if (!r)
		r = check_features(d->ctl, c, err);
	if (!r)
		r = ublk_ctl_add(d->ctl, &d->dev, err);
	if (r)
		return r;
	d->added = true;
	d->encoding = ublk_ctl_encoding(d->ctl);
	ublk_block_path(d->dev.id, d->path);
	r = check_granted(d, c, err);
	return r ? r : set_params(d, c, err);
}

/* It must be the block device of this number, or whoever opens it would write a plain file. */
static int check_node(const struct ublk_device *d, struct err *err)
{
	struct ublk_params p;
	struct stat st;
	int r = ublk_ctl_get_params(d->ctl, d->dev.id, &p, err);

	if (r)
		return r;
	if (stat(d->path, &st))
		return err_sys(err, -errno, "%s", d->path);
	if (!S_ISBLK(st.st_mode) || st.st_rdev != makedev(p.devt.disk_major, p.devt.disk_minor))
		return err_set(err, -ENXIO, "%s is not block device %u:%u", d->path,
			       p.devt.disk_major, p.devt.disk_minor);
	return 0;
}

int ublk_device_start(struct ublk_device *d, pid_t server, struct err *err)
{
	int r = ublk_ctl_start(d->ctl, d->dev.id, server, UBLK_START_NS, err);

	return r ? r : check_node(d, err);
}

int ublk_device_stop(struct ublk_device *d, struct err *err)
{
	return d->added ? ublk_ctl_stop(d->ctl, d->dev.id, UBLK_STOP_NS, err) : 0;
}

int ublk_device_del(struct ublk_device *d, struct err *err)
{
	int r = d->added ? ublk_ctl_del(d->ctl, d->dev.id, UBLK_STOP_NS, err) : 0;

	ublk_ctl_close(d->ctl);
	*d = (struct ublk_device){.ctl = NULL};
	return r;
}
