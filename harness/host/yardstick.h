/* SPDX-License-Identifier: MIT */
/*
 * Yardsticks: small fixed loops that say how fast the machine is today. They never change: one that
 * has to gets a new version, and figures of two versions are not compared.
 *
 *   spin       a chain of 1000 multiplications: the clock of a CPU
 *   switch     a round trip of two threads on one CPU, by futex(2): two switches
 *   wake       a round trip of two threads on two CPUs: two remote wake-ups
 *   sync4k     4 KiB of a zero-filled file overwritten, and fdatasync(2)
 *   loopback   64 bytes sent to 127.0.0.1 by UDP and received, on one thread
 *
 * Each takes about 50 ms: 5 slices of 10 ms, of which the median counts. The caller's own CPU set
 * stays what it is.
 */
#pragma once

#include <cjson/cJSON.h>

struct yardstick {
	const char *name;
	unsigned version;
	const char *help;
	const struct yardstick_loop *loop;
};

extern const struct yardstick yardsticks[]; /* ended by a NULL name */

const struct yardstick *yardstick_find(const char *name); /* NULL when there is none */

/* All of them, the files below the existing folder `dir`: {name: {version, ns, low, high}}, the
 * median, smallest and largest slice; what cannot be measured has "ns": null and a `reason`. NULL
 * only when out of memory. */
cJSON *yardstick_measure(const char *dir);
