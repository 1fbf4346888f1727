/* SPDX-License-Identifier: MIT */
/*
 * The parent's side of one run: starts a uhbench binary as isolated child, sends the request, keeps
 * the deadline, takes the response, and judges how it ended.
 */
#pragma once

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/protocol.h"
#include "harness/session/others.h"
#include "harness/util/err.h"

/* Who wants to know of a run while it is made; see struct prober_ops. */
struct launch_watcher {
	int window_fd; /* for the child; -1: none */
	void (*launched)(void *arg);
	uint64_t (*tick)(void *arg);
	void *arg;
};

struct launch {
	const char *binary;
	unsigned protocol; /* in which the request is; 0: PROTOCOL_VERSION */
	const cJSON *request;
	uint64_t deadline_ns; /* from the start of the child */
	const volatile sig_atomic_t *interrupted;
	const struct launch_watcher *watcher; /* NULL: not probed */
	struct others *others;		      /* scratch; NULL: nobody asks about them */
};

struct outcome {
	enum status status;
	char reason[ERR_MAX]; /* "" when ok */
	bool interrupted;     /* the run was ended by us, and is not a result */
	cJSON *response;      /* as the child sent it; NULL when it sent none */
	cJSON *stall;	      /* only when stalled */
	cJSON *isolation;
	uint64_t took_ns;
	struct others_share others; /* in the window; NAN where nobody asked */
};

/* 0 with an outcome whatever the child did; -errno when no child could be started at all. */
int launch(const struct launch *l, struct outcome *ret, struct err *err);
void outcome_free(struct outcome *o);
