/* SPDX-License-Identifier: MIT */
/*
 * A ublk device as the knobs describe it, from the control plane's side:
 *
 *   ublk_device_add      features, ADD_DEV, SET_PARAMS: it exists, and nobody serves it
 *   ublk_device_start    a server has fetched everything: /dev/ublkbN appears
 *   ublk_device_stop     it goes away; the threads of the server end
 *   ublk_device_del      stops it if need be, and removes it; safe on a device that was never added
 *
 * 0 or -errno with err; -EOPNOTSUPP: this kernel or machine cannot do it.
 */
#pragma once

#include <sys/types.h>

#include "harness/util/nsec.h"
#include "targets/ublk/ublk_ctl.h"
#include "targets/ublk/ublk_knobs.h"

/* How long the driver may take; the run's deadline knows of it. */
#define UBLK_START_NS (30 * NSEC_PER_SEC)
#define UBLK_STOP_NS  (20 * NSEC_PER_SEC)

struct ublk_device {
	struct ublk_ctl *ctl;
	struct ublk_dev dev;
	enum ublk_encoding encoding;
	char path[UBLK_PATH_MAX];
	bool added;
};

/* What the driver can do and the knobs ask for, without adding anything. */
int ublk_device_supported(const struct ublk_config *c, struct err *err);

int ublk_device_add(struct ublk_device *d, const struct ublk_config *c, struct err *err);
int ublk_device_start(struct ublk_device *d, pid_t server, struct err *err);
int ublk_device_stop(struct ublk_device *d, struct err *err);
int ublk_device_del(struct ublk_device *d, struct err *err);
