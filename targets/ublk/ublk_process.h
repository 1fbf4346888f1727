/* SPDX-License-Identifier: MIT */
/*
 * The processes of a run's ublk server: the one that serves, and with recovery a second one that
 * waits for its death and then takes the device over. Both are forked in the set-up, while the run
 * has a single thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "harness/run.h"
#include "harness/util/nsec.h"
#include "targets/ublk/ublk_server.h"

/* How long a process may take until it serves, to take a device over, and to end. */
#define UBLK_SERVE_NS	 (30 * NSEC_PER_SEC)
#define UBLK_RECOVERY_NS (40 * NSEC_PER_SEC)
#define UBLK_END_NS	 (2 * NSEC_PER_SEC)

struct ublk_process {
	struct run *run;
	const struct ublk_setup *setup;
	unsigned number;   /* 0 serves first */
	pid_t pid, before; /* before: whose death it waits for; 0: nobody's */
	int report[2];	   /* pipe: that it serves or why not, and why it ended */
	bool reaped;
	struct err why; /* what it told at its end; "" */
	int status;	/* wait status, when reaped */
};

/* Forks it. `setup` must not move or change from here on. */
int ublk_process_start(struct ublk_process *p, struct run *run, const struct ublk_setup *setup,
		       unsigned number, pid_t before);
/* Waits until it serves; with run->err its reason, or how it died. */
int ublk_process_wait(struct ublk_process *p);
/* Has it ended? Then `says` (when not NULL) gets how: "was killed by signal 9 (Killed)". */
bool ublk_process_ended(struct ublk_process *p, struct err *says);
/* Sleeps until it has ended. On any thread; leaves the reaping to the others. */
void ublk_process_await(const struct ublk_process *p);
/* Ends it, by force if it takes long. Safe on one that never was. */
void ublk_process_end(struct ublk_process *p);
