/* SPDX-License-Identifier: MIT */
/*
 * How commands reach the driver: one ring, one command at a time, each with a deadline. Only for
 * the control plane (ublk_ctl.h).
 */
#pragma once

#include <liburing.h>
#include <stdbool.h>

#include "targets/ublk/ublk_ctl.h"

#define UBLK_QUICK_NS (10 * NSEC_PER_SEC) /* for commands that wait for nothing but a mutex */

struct ublk_ctl {
	struct io_uring ring;
	int fd;
	enum ublk_encoding encoding;
	uint64_t sent; /* commands so far: the user_data of the last one */
	bool busy;     /* the last one has not come back */
	union {
		struct ublksrv_ctrl_dev_info info;
		struct ublk_params params;
		uint64_t features;
	} io; /* what the last one wrote */
};

struct ublk_command {
	unsigned nr; /* UBLK_CMD_* */
	uint32_t id;
	uint16_t len;	/* of ctl->io; 0 = no buffer */
	const void *in; /* `len` bytes; NULL: zeroes */
	uint64_t data;
	uint64_t timeout_ns; /* 0: UBLK_QUICK_NS */
};

/* The driver's answer (0 or -errno), or -ETIMEDOUT. */
int ublk_ctl_issue(struct ublk_ctl *ctl, const struct ublk_command *c);
/* The same, with words for what went wrong. */
int ublk_ctl_command(struct ublk_ctl *ctl, const struct ublk_command *c, struct err *err);
