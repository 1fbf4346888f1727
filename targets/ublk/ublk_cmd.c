// SPDX-License-Identifier: MIT
/*
 * The driver runs every control command in a worker of io_uring, where it may wait for the server,
 * for I/O, or for another command's mutex. So each has a deadline: when it has passed, the command
 * is called back by IORING_OP_ASYNC_CANCEL, which ends an interruptible wait. One that stays (the
 * driver waits uninterruptibly for I/O in flight) leaves this ring busy, and the next command waits
 * for it first. What the kernel may still write to then is never freed.
 */
#include "targets/ublk/ublk_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define CANCEL_NS NSEC_PER_SEC

static const struct {
	const char *name;
	bool reads; /* the driver only reads its arguments: _IOR */
} commands[] = {
	[UBLK_CMD_GET_QUEUE_AFFINITY] = {"GET_QUEUE_AFFINITY", true},
	[UBLK_CMD_GET_DEV_INFO] = {"GET_DEV_INFO", true},
	[UBLK_CMD_ADD_DEV] = {"ADD_DEV", false},
	[UBLK_CMD_DEL_DEV] = {"DEL_DEV", false},
	[UBLK_CMD_START_DEV] = {"START_DEV", false},
	[UBLK_CMD_STOP_DEV] = {"STOP_DEV", false},
	[UBLK_CMD_SET_PARAMS] = {"SET_PARAMS", false},
	[UBLK_CMD_GET_PARAMS] = {"GET_PARAMS", true},
	[UBLK_CMD_START_USER_RECOVERY] = {"START_USER_RECOVERY", false},
	[UBLK_CMD_END_USER_RECOVERY] = {"END_USER_RECOVERY", false},
	[UBLK_CMD_GET_FEATURES] = {"GET_FEATURES", true},
	[UBLK_CMD_DEL_DEV_ASYNC] = {"DEL_DEV_ASYNC", true},
};

static unsigned encode(const struct ublk_ctl *ctl, unsigned nr)
{
	if (ctl->encoding == UBLK_ENCODING_LEGACY)
		return nr;
	return commands[nr].reads ? UBLK_IOR(nr) : UBLK_IOWR(nr);
}

/* Takes completions until the last command's is there. 0 and its result, or -ETIMEDOUT. */
static int await(struct ublk_ctl *ctl, uint64_t deadline_ns, int *ret_result)
{
	while (ctl->busy) {
		uint64_t now = nsec_now(), left = deadline_ns > now ? deadline_ns - now : 0;
		struct __kernel_timespec ts = {.tv_sec = (long long)(left / NSEC_PER_SEC),
					       .tv_nsec = (long long)(left % NSEC_PER_SEC)};
		struct io_uring_cqe *cqe;
		int r = io_uring_wait_cqe_timeout(&ctl->ring, &cqe, &ts);

		if (r == -EINTR)
			continue;
		if (r)
			return r == -ETIME ? -ETIMEDOUT : r;
		if (cqe->user_data == ctl->sent) { /* not that of a cancellation */
			*ret_result = cqe->res;
			ctl->busy = false;
		}
		io_uring_cqe_seen(&ctl->ring, cqe);
	}
	return 0;
}

static void prepare(struct ublk_ctl *ctl, struct io_uring_sqe *sqe, const struct ublk_command *c)
{
	struct ublksrv_ctrl_cmd *cmd = (struct ublksrv_ctrl_cmd *)sqe->cmd;

	/* 128 bytes, of which liburing clears the first half at most. */
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = ctl->fd;
	sqe->cmd_op = encode(ctl, c->nr);
	sqe->user_data = ++ctl->sent;
	cmd->dev_id = c->id;
	cmd->queue_id = UBLK_NO_QUEUE;
	cmd->len = c->len;
	cmd->addr = c->len ? (uint64_t)(uintptr_t)&ctl->io : 0;
	cmd->data[0] = c->data;
}

static int submit(struct ublk_ctl *ctl)
{
	int r;

	do
		r = io_uring_submit(&ctl->ring);
	while (r == -EINTR);
	return r < 0 ? r : 0;
}

/* The answer of the command that was called back: it may have been faster. */
static int call_back(struct ublk_ctl *ctl)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ctl->ring);
	int result = 0, r;

	if (!sqe)
		return -ETIMEDOUT;
	memset(sqe, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->fd = -1;
	sqe->addr = ctl->sent;
	r = submit(ctl);
	if (!r)
		r = await(ctl, nsec_now() + CANCEL_NS, &result);
	if (r)
		return r;
	return result == -EINTR || result == -ECANCELED || result == -ERESTART ? -ETIMEDOUT
									       : result;
}

int ublk_ctl_issue(struct ublk_ctl *ctl, const struct ublk_command *c)
{
	uint64_t deadline_ns = nsec_now() + (c->timeout_ns ? c->timeout_ns : UBLK_QUICK_NS);
	struct io_uring_sqe *sqe;
	int result = 0, r = await(ctl, deadline_ns, &result);

	if (r)
		return r;
	sqe = io_uring_get_sqe(&ctl->ring);
	if (!sqe)
		return -EBUSY;
	memset(&ctl->io, 0, sizeof(ctl->io));
	if (c->in)
		memcpy(&ctl->io, c->in, c->len);
	prepare(ctl, sqe, c);
	ctl->busy = true;
	r = submit(ctl);
	if (!r)
		r = await(ctl, deadline_ns, &result);
	if (r == -ETIMEDOUT)
		return call_back(ctl);
	return r ? r : result;
}

int ublk_ctl_command(struct ublk_ctl *ctl, const struct ublk_command *c, struct err *err)
{
	int r = ublk_ctl_issue(ctl, c);

	if (!r)
		return 0;
	if (r == -ETIMEDOUT)
		return err_set(err, r, "ublk: no answer to %s of device %u for %.1f s%s",
			       commands[c->nr].name, c->id,
			       (double)(c->timeout_ns ? c->timeout_ns : UBLK_QUICK_NS) /
				       NSEC_PER_SEC,
			       ctl->busy ? ", and it cannot be called back" : "");
	if (r == -ENODEV)
		return err_set(err, r, "ublk: %s: there is no device %u", commands[c->nr].name,
			       c->id);
	return err_sys(err, r, "ublk: %s of device %u", commands[c->nr].name, c->id);
}

static int open_control(struct err *err)
{
	int fd = open(UBLK_CONTROL, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == EACCES || errno == EPERM)
		return err_set(err, -EOPNOTSUPP, UBLK_CONTROL ": only root may open it");
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return err_set(err, -EOPNOTSUPP,
			       "no ublk driver: " UBLK_CONTROL " is not there (modprobe ublk_drv; "
			       "where the kernel has none: uhbench vm)");
	return err_sys(err, -errno, UBLK_CONTROL);
}

/*
 * Before 6.5 there is no GET_FEATURES, and 6.1 answers a command that it does not know as it
 * answers one for a device that does not exist. So the ioctl encoding is taken where GET_FEATURES
 * works, or where the legacy one is refused (EOPNOTSUPP: built without it).
 */
static int choose_encoding(struct ublk_ctl *ctl, enum ublk_encoding wanted, struct err *err)
{
	struct ublk_command features = {.nr = UBLK_CMD_GET_FEATURES, .len = sizeof(uint64_t)};
	struct ublk_command info = {.nr = UBLK_CMD_GET_DEV_INFO,
				    .id = INT32_MAX,
				    .len = sizeof(struct ublksrv_ctrl_dev_info)};
	bool knows_ioctl, knows_legacy;
	int r;

	ctl->encoding = UBLK_ENCODING_IOCTL;
	r = ublk_ctl_issue(ctl, &features);
	if (r == -ETIMEDOUT)
		return err_set(err, r, "ublk: no answer to GET_FEATURES");
	knows_ioctl = !r;
	ctl->encoding = UBLK_ENCODING_LEGACY;
	r = ublk_ctl_issue(ctl, &info);
	if (r == -ETIMEDOUT)
		return err_set(err, r, "ublk: no answer to GET_DEV_INFO");
	knows_legacy = r != -EOPNOTSUPP;
	if (wanted == UBLK_ENCODING_LEGACY && !knows_legacy)
		return err_set(err, -EOPNOTSUPP,
			       "this ublk driver was built without the legacy encoding of commands "
			       "(CONFIG_BLKDEV_UBLK_LEGACY_OPCODES)");
	if (wanted == UBLK_ENCODING_IOCTL && !knows_ioctl && knows_legacy)
		return err_set(err, -EOPNOTSUPP,
			       "this ublk driver does not know the ioctl encoding of commands "
			       "(Linux 6.5)");
	ctl->encoding = wanted;
	if (wanted == UBLK_ENCODING_AUTO)
		ctl->encoding =
			knows_ioctl || !knows_legacy ? UBLK_ENCODING_IOCTL : UBLK_ENCODING_LEGACY;
	return 0;
}

static int open_ring(struct ublk_ctl *ctl, struct err *err)
{
	int r = io_uring_queue_init(4, &ctl->ring, IORING_SETUP_SQE128);

	if (r == -EINVAL)
		return err_set(err, -EOPNOTSUPP, "this kernel's io_uring has no SQE128 (5.19)");
	return r ? err_sys(err, r, "io_uring_setup") : 0;
}

int ublk_ctl_open(enum ublk_encoding encoding, struct ublk_ctl **ret, struct err *err)
{
	struct ublk_ctl *ctl = calloc(1, sizeof(*ctl));
	int r;

	if (!ctl)
		return err_sys(err, -ENOMEM, "ublk");
	ctl->fd = r = open_control(err);
	if (r >= 0)
		r = open_ring(ctl, err);
	if (r < 0) {
		cleanup_close(&ctl->fd);
		free(ctl);
		return r;
	}
	r = choose_encoding(ctl, encoding, err);
	if (r) {
		ublk_ctl_close(ctl);
		return r;
	}
	*ret = ctl;
	return 0;
}

void ublk_ctl_close(struct ublk_ctl *ctl)
{
	if (!ctl)
		return;
	io_uring_queue_exit(&ctl->ring);
	cleanup_close(&ctl->fd);
	if (!ctl->busy) /* else the kernel may still write to it */
		free(ctl);
}

enum ublk_encoding ublk_ctl_encoding(const struct ublk_ctl *ctl)
{
	return ctl->encoding;
}
