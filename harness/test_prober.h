/* SPDX-License-Identifier: MIT */
/*
 * A prober for tests: probes "calls", "waits" and "blame" (which needs "waits"), and knobs
 * "threshold" (time) and "hooks" (enum). It loads nothing; it writes down what it is told, and
 * refuses what the test wants refused. Its window is a page of memory.
 */
#pragma once

#include "harness/probe.h"

#define TEST_PROBER_CALLS_MAX 512

struct test_prober {
	char calls[TEST_PROBER_CALLS_MAX]; /* "open(3) arm launched tick+ disarm read " */
	const char *foreign;		   /* JSON; NULL: nothing */
	bool no_open, no_arm, no_foreign, no_read, no_window;
	unsigned n_open;	    /* now */
	unsigned n_ticks;	    /* ever */
	uint64_t tick_ns;	    /* what tick returns */
	struct probe_window window; /* as it was at the last disarm */
	char usage[128];	    /* as the last read got it */
};

extern struct test_prober test_prober; /* what it saw, and how it is to behave */
extern const struct prober_ops test_prober_ops;

/* Forgets all, and behaves well. */
void test_prober_reset(void);
