/* SPDX-License-Identifier: MIT */
/*
 * The control plane: commands to /dev/ublk-control, each with a deadline. A device's life:
 *
 *   add -> set_params -> (the server opens /dev/ublkcN and fetches) -> start -> stop -> del
 *   after the death of a server, with UBLK_F_USER_RECOVERY:
 *        start_recovery -> (a new server opens and fetches) -> end_recovery
 *
 * All functions return 0 or -errno, with the reason in `err`: the command by its name, the device,
 * and what the driver's answer means there. -ETIMEDOUT: no answer until the deadline, and the
 * command was called back. One that cannot be called back (the driver waits for I/O of a server
 * that does not answer) goes on in the kernel: kill the server and call again, it is waited for
 * before anything else is sent. A struct ublk_ctl belongs to one thread.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "harness/util/err.h"
#include "targets/ublk/ublk_abi.h"

enum ublk_encoding { UBLK_ENCODING_AUTO, UBLK_ENCODING_IOCTL, UBLK_ENCODING_LEGACY };

struct ublk_ctl;

/* -EOPNOTSUPP: this machine has no ublk driver, or not this encoding; the reason is in `err`. */
int ublk_ctl_open(enum ublk_encoding encoding, struct ublk_ctl **ret, struct err *err);
void ublk_ctl_close(struct ublk_ctl *ctl); /* accepts NULL */
/* The encoding in use (never AUTO): a server must use the same on /dev/ublkcN. */
enum ublk_encoding ublk_ctl_encoding(const struct ublk_ctl *ctl);

/* What the driver claims. Before 6.5 it could not be asked: -EOPNOTSUPP. A claim is not a grant:
 * what a device really has is what ublk_ctl_add lets pass. (Names: ublk_features.h.) */
int ublk_ctl_features(struct ublk_ctl *ctl, uint64_t *ret, struct err *err);

/* Adds a device that carries our mark. In: id (UBLK_ANY_ID), queues, depth, max_io_bytes, flags.
 * Out: id, and the values that the driver granted (queues are clamped to the CPUs, bytes to
 * pages). Flags that it does not grant: -EOPNOTSUPP naming them, and nothing is left behind. */
struct ublk_dev {
	uint32_t id;
	unsigned queues, depth;
	unsigned max_io_bytes;
	uint64_t flags; /* UBLK_F_* */
};
int ublk_ctl_add(struct ublk_ctl *ctl, struct ublk_dev *dev, struct err *err);
/* The same for a device of any mark: 0 is a stranger's. For tests of who may remove what. */
int ublk_ctl_add_marked(struct ublk_ctl *ctl, struct ublk_dev *dev, uint64_t mark, struct err *err);

/* `params` needs no `len`. set: before the start only. get: `types` says what is there. */
int ublk_ctl_set_params(struct ublk_ctl *ctl, uint32_t id, const struct ublk_params *params,
			struct err *err);
int ublk_ctl_get_params(struct ublk_ctl *ctl, uint32_t id, struct ublk_params *ret,
			struct err *err);
int ublk_ctl_info(struct ublk_ctl *ctl, uint32_t id, struct ublksrv_ctrl_dev_info *ret,
		  struct err *err);

/* Waits until every queue of the server has fetched; then there is a block device ublkbN (whether
 * /dev shows it, is the caller's to see). `pid` is the server's, as it sees itself. The driver
 * reads the partition table: the server must answer. */
int ublk_ctl_start(struct ublk_ctl *ctl, uint32_t id, pid_t pid, uint64_t timeout_ns,
		   struct err *err);
/* Removes /dev/ublkbN; waits for I/O in flight. The server's commands come back with ABORT. */
int ublk_ctl_stop(struct ublk_ctl *ctl, uint32_t id, uint64_t timeout_ns, struct err *err);
/* Stops and removes it. Waits until nobody has /dev/ublkcN or /dev/ublkbN open or mapped; when that
 * takes too long (-ETIMEDOUT, naming who has it), the device goes away with its last user. */
int ublk_ctl_del(struct ublk_ctl *ctl, uint32_t id, uint64_t timeout_ns, struct err *err);

/* Waits until the old server is gone and the driver has put its requests aside. */
int ublk_ctl_start_recovery(struct ublk_ctl *ctl, uint32_t id, uint64_t timeout_ns,
			    struct err *err);
int ublk_ctl_end_recovery(struct ublk_ctl *ctl, uint32_t id, pid_t pid, uint64_t timeout_ns,
			  struct err *err);

/* Calls fn for every device on this machine; stops at its first result that is not 0, and returns
 * that. A device that goes away meanwhile is left out. */
int ublk_ctl_each(struct ublk_ctl *ctl,
		  int (*fn)(const struct ublksrv_ctrl_dev_info *info, void *arg), void *arg,
		  struct err *err);

/* "/dev/ublkcN", "/dev/ublkbN". */
#define UBLK_PATH_MAX 32
void ublk_char_path(uint32_t id, char path[UBLK_PATH_MAX]);
void ublk_block_path(uint32_t id, char path[UBLK_PATH_MAX]);
