// SPDX-License-Identifier: MIT
/*
 * A device's life, command by command. What the driver answers is turned into words here; what it
 * does behind our back (values clamped, flags dropped) is looked at, not assumed.
 */
#include "targets/ublk/ublk_ctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "targets/block/block_mark.h"
#include "targets/ublk/ublk_cmd.h"
#include "targets/ublk/ublk_features.h"
#include "targets/ublk/ublk_user.h"

#define CHAR_CLASS "/sys/class/ublk-char"
#define POLL_NS	   (2 * NSEC_PER_MSEC) /* where the kernel has no event to wait for */
/* After how long blk-mq asks the driver about a request that has no answer. A living server gets as
 * long as it needs, the driver says; a dead one's requests are given back by then, which by default
 * takes 30 s where all of a queue's commands were in the server's hands when it died. */
#define ASK_AFTER_MS "1000"

int ublk_ctl_features(struct ublk_ctl *ctl, uint64_t *ret, struct err *err)
{
	struct ublk_command c = {.nr = UBLK_CMD_GET_FEATURES, .len = sizeof(ctl->io.features)};
	enum ublk_encoding encoding = ctl->encoding;
	int r;

	ctl->encoding = UBLK_ENCODING_IOCTL; /* it has no other */
	r = ublk_ctl_issue(ctl, &c);
	ctl->encoding = encoding;
	if (r == -ETIMEDOUT)
		return err_set(err, r, "ublk: no answer to GET_FEATURES");
	if (r)
		return err_set(err, -EOPNOTSUPP,
			       "ublk: the driver cannot be asked for its features (Linux 6.5)");
	*ret = ctl->io.features;
	return 0;
}

/* The driver clears what it does not know or does not give. */
static int check_granted(struct ublk_ctl *ctl, const struct ublk_dev *dev, struct err *err)
{
	uint64_t missing = dev->flags & ~ctl->io.info.flags;
	uint32_t id = ctl->io.info.dev_id;
	char names[256];
	int r;

	if (!missing)
		return 0;
	ublk_features_text(missing, true, names, sizeof(names));
	r = ublk_ctl_del(ctl, id, UBLK_QUICK_NS, err);
	return r ? r : err_set(err, -EOPNOTSUPP, "this ublk driver does not grant %s", names);
}

int ublk_ctl_add_marked(struct ublk_ctl *ctl, struct ublk_dev *dev, uint64_t mark, struct err *err)
{
	struct ublksrv_ctrl_dev_info info = {.nr_hw_queues = (uint16_t)dev->queues,
					     .queue_depth = (uint16_t)dev->depth,
					     .max_io_buf_bytes = dev->max_io_bytes,
					     .dev_id = dev->id,
					     .ublksrv_pid = -1,
					     .flags = dev->flags,
					     .ublksrv_flags = mark};
	struct ublk_command c = {
		.nr = UBLK_CMD_ADD_DEV, .id = dev->id, .in = &info, .len = sizeof(info)};
	int r = ublk_ctl_command(ctl, &c, err);

	if (r == -EINVAL)
		return err_set(err, r,
			       "the ublk driver refuses a device with %u queues of depth %u, %u "
			       "bytes for one request and flags 0x%llx",
			       dev->queues, dev->depth, dev->max_io_bytes,
			       (unsigned long long)dev->flags);
	if (r == -EEXIST)
		return err_set(err, r, "ublk: there is already a device %u", dev->id);
	if (!r)
		r = check_granted(ctl, dev, err);
	if (r)
		return r;
	info = ctl->io.info;
	*dev = (struct ublk_dev){.id = info.dev_id,
				 .queues = info.nr_hw_queues,
				 .depth = info.queue_depth,
				 .max_io_bytes = info.max_io_buf_bytes,
				 .flags = info.flags};
	return 0;
}

int ublk_ctl_add(struct ublk_ctl *ctl, struct ublk_dev *dev, struct err *err)
{
	return ublk_ctl_add_marked(ctl, dev, block_mark_mine(), err);
}

int ublk_ctl_set_params(struct ublk_ctl *ctl, uint32_t id, const struct ublk_params *params,
			struct err *err)
{
	struct ublk_params in = *params;
	struct ublk_command c = {.nr = UBLK_CMD_SET_PARAMS, .id = id, .in = &in, .len = sizeof(in)};

	in.len = sizeof(in);
	return ublk_ctl_command(ctl, &c, err);
}

int ublk_ctl_get_params(struct ublk_ctl *ctl, uint32_t id, struct ublk_params *ret, struct err *err)
{
	struct ublk_params in = {.len = sizeof(in)};
	struct ublk_command c = {.nr = UBLK_CMD_GET_PARAMS, .id = id, .in = &in, .len = sizeof(in)};
	int r = ublk_ctl_command(ctl, &c, err);

	if (!r)
		*ret = ctl->io.params;
	return r;
}

int ublk_ctl_info(struct ublk_ctl *ctl, uint32_t id, struct ublksrv_ctrl_dev_info *ret,
		  struct err *err)
{
	struct ublk_command c = {.nr = UBLK_CMD_GET_DEV_INFO, .id = id, .len = sizeof(*ret)};
	int r = ublk_ctl_command(ctl, &c, err);

	if (!r)
		*ret = ctl->io.info;
	return r;
}

void ublk_char_path(uint32_t id, char path[UBLK_PATH_MAX])
{
	snprintf(path, UBLK_PATH_MAX, "/dev/ublkc%u", id);
}

void ublk_block_path(uint32_t id, char path[UBLK_PATH_MAX])
{
	snprintf(path, UBLK_PATH_MAX, "/dev/ublkb%u", id);
}

/*
 * A command that tells the driver the server's pid. Linux 6.17 compares it with that of the opener
 * of /dev/ublkcN as the initial PID namespace sees it, and refuses what a server in a namespace of
 * its own says of itself; kernels before do not look, later ones translate. Where it is refused,
 * the pid is given as /proc shows that process.
 */
static int command_with_pid(struct ublk_ctl *ctl, struct ublk_command *c, pid_t pid,
			    struct err *err)
{
	char comm[UBLK_COMM_MAX];
	pid_t shown;
	int r;

	c->data = (uint64_t)pid;
	r = ublk_ctl_command(ctl, c, err);
	if (r != -EINVAL)
		return r;
	shown = ublk_user_of(c->id, false, comm);
	if (!shown || shown == pid)
		return r;
	c->data = (uint64_t)shown;
	return ublk_ctl_command(ctl, c, err);
}

int ublk_ctl_start(struct ublk_ctl *ctl, uint32_t id, pid_t pid, uint64_t timeout_ns,
		   struct err *err)
{
	struct ublk_command c = {.nr = UBLK_CMD_START_DEV, .id = id, .timeout_ns = timeout_ns};
	char path[64];
	int r = command_with_pid(ctl, &c, pid, err);

	if (r)
		return r;
	snprintf(path, sizeof(path), "/sys/block/ublkb%u/queue/io_timeout", id);
	r = fs_put(path, ASK_AFTER_MS);
	return r ? err_sys(err, r, "%s", path) : 0;
}

int ublk_ctl_stop(struct ublk_ctl *ctl, uint32_t id, uint64_t timeout_ns, struct err *err)
{
	struct ublk_command c = {.nr = UBLK_CMD_STOP_DEV, .id = id, .timeout_ns = timeout_ns};

	return ublk_ctl_command(ctl, &c, err);
}

/* Who keeps a device that is deleted. */
static int say_user(uint32_t id, struct err *err)
{
	char comm[UBLK_COMM_MAX] = "";

	for (int block = 0; block < 2; block++) {
		pid_t pid = ublk_user_of(id, block, comm);

		if (pid)
			return err_set(err, -ETIMEDOUT,
				       "ublk device %u is deleted, but goes away only when process "
				       "%d (%s) closes /dev/ublk%c%u",
				       id, pid, comm, block ? 'b' : 'c', id);
	}
	return err_set(err, -ETIMEDOUT,
		       "ublk device %u is deleted, but something still has it open, mapped or "
		       "mounted",
		       id);
}

/* Stopped first: DEL_DEV would do it while it holds the mutex that all of the machine's ADD_DEV and
 * DEL_DEV take. */
int ublk_ctl_del(struct ublk_ctl *ctl, uint32_t id, uint64_t timeout_ns, struct err *err)
{
	struct ublk_command c = {.nr = UBLK_CMD_DEL_DEV, .id = id};
	uint64_t deadline_ns = nsec_now() + timeout_ns, now;
	int r = ublk_ctl_stop(ctl, id, timeout_ns, err);

	if (r)
		return r;
	now = nsec_now();
	c.timeout_ns = max_of(deadline_ns, now + POLL_NS) - now;
	r = ublk_ctl_command(ctl, &c, err);
	return r == -ETIMEDOUT && !ctl->busy ? say_user(id, err) : r;
}

/* The driver answers EBUSY while the old server's descriptors and requests are being put away, and
 * tells nobody when it has finished. */
int ublk_ctl_start_recovery(struct ublk_ctl *ctl, uint32_t id, uint64_t timeout_ns, struct err *err)
{
	struct ublk_command c = {.nr = UBLK_CMD_START_USER_RECOVERY, .id = id};
	uint64_t deadline_ns = nsec_now() + timeout_ns;
	int r;

	while ((r = ublk_ctl_command(ctl, &c, err)) == -EBUSY && nsec_now() < deadline_ns)
		nsec_sleep_until(nsec_now() + POLL_NS);
	if (r == -EBUSY)
		return err_set(err, -ETIMEDOUT,
			       "ublk device %u cannot be recovered: its server still has it open, "
			       "or the driver waits for requests in its hands",
			       id);
	if (r == -EINVAL)
		return err_set(err, r,
			       "ublk device %u cannot be recovered: it was not started, or made "
			       "without user-recovery",
			       id);
	return r;
}

int ublk_ctl_end_recovery(struct ublk_ctl *ctl, uint32_t id, pid_t pid, uint64_t timeout_ns,
			  struct err *err)
{
	struct ublk_command c = {
		.nr = UBLK_CMD_END_USER_RECOVERY, .id = id, .timeout_ns = timeout_ns};

	return command_with_pid(ctl, &c, pid, err);
}

static int visit(struct ublk_ctl *ctl, const char *name,
		 int (*fn)(const struct ublksrv_ctrl_dev_info *info, void *arg), void *arg,
		 struct err *err)
{
	struct ublksrv_ctrl_dev_info info;
	char *end;
	unsigned long id;
	int r;

	if (strncmp(name, "ublkc", 5))
		return 0;
	id = strtoul(name + 5, &end, 10);
	if (*end)
		return 0;
	r = ublk_ctl_info(ctl, (uint32_t)id, &info, err);
	if (r)
		return r == -ENODEV ? 0 : r;
	return fn(&info, arg);
}

int ublk_ctl_each(struct ublk_ctl *ctl,
		  int (*fn)(const struct ublksrv_ctrl_dev_info *info, void *arg), void *arg,
		  struct err *err)
{
	DIR *d = opendir(CHAR_CLASS);
	struct dirent *e;
	int r = 0;

	if (!d)
		return err_sys(err, -errno, "ublk devices are listed in " CHAR_CLASS);
	while (!r && (e = readdir(d)))
		r = visit(ctl, e->d_name, fn, arg, err);
	closedir(d);
	return r;
}
