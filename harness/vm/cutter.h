/* SPDX-License-Identifier: MIT */
/*
 * Decides when the power fails, and takes what survives. A thread reads the guest's stream of
 * acknowledgements (harness/util/acks.h): what has come through it by the time of a cut is known
 * outside, so it has to be in what the cut leaves. First the stream is read to its end, then the
 * disk is cut: an acknowledgement that comes in between is not held against anybody.
 *
 * A cut comes a random time after a run's first acknowledgement, and the next ones each after the
 * one before. With several, the machine goes on: an image of the disk is what the power's failure
 * would have left, and many can be had from one boot. With one, the machine is to be stopped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/util/err.h"
#include "harness/vm/volatile_disk.h"

#define CUTTER_MAX 480 /* cuts in all; then the power stays on */

struct cutter_options {
	uint64_t after_ns, until_ns; /* the time is drawn from between them */
	unsigned cuts;		     /* of each run */
	uint64_t seed;
	uint64_t disk_bytes;
};

struct cut {
	uint64_t run_ns; /* since its run's first acknowledgement */
	unsigned run;	 /* of the stream, from 0 */
	size_t acks;	 /* bytes of the stream that had come */
	struct volatile_cut fate;
};

struct cutter;

/* `disk` must outlive it. */
int cutter_start(const struct cutter_options *o, struct volatile_disk *disk, struct cutter **ret,
		 struct err *err);
/* Ends the thread; what it has seen stays. 0, or what stopped it before, with err. */
int cutter_stop(struct cutter *c, struct err *err);
void cutter_free(struct cutter *c); /* accepts NULL */

int cutter_port(const struct cutter *c); /* the emulator's end of the stream; stays ours */
/* For struct vm_boot: with one cut for each run, whether it is done; or whether it could not go on.
 * Then the machine shall end. */
bool cutter_is_done(void *c);
int cutter_wake_fd(const struct cutter *c);

/* After cutter_stop: */
const struct cut *cutter_cuts(const struct cutter *c, unsigned *ret_n);
unsigned cutter_runs(const struct cutter *c); /* that acknowledged anything */
/* Every run that has begun: its first line, as far as its end or anything behind it, and its number
 * in struct cut; -1: it acknowledged nothing. */
typedef void (*cutter_run_fn)(void *arg, const char *line, int run);
void cutter_each_run(const struct cutter *c, cutter_run_fn fn, void *arg);
const char *cutter_acks(const struct cutter *c, size_t *ret_len);
/* The images, one behind the other, disk_bytes each. */
int cutter_images(const struct cutter *c);
