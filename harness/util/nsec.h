/* SPDX-License-Identifier: MIT */
/* Time: uint64_t nanoseconds of CLOCK_MONOTONIC (vDSO, clock_gettime(2)). */
#pragma once

#include <stdint.h>
#include <time.h>

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC  1000000000ull

static inline uint64_t nsec_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* The same clock as it was at the last tick of the kernel (1 to 10 ms): cheap where the counter of
 * the machine is not. */
static inline uint64_t nsec_coarse(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static inline struct timespec nsec_to_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / NSEC_PER_SEC),
				 .tv_nsec = (long)(ns % NSEC_PER_SEC)};
}

/* Sleeps until an absolute CLOCK_MONOTONIC time. Returns 0, or -EINTR when a signal came first. */
static inline int nsec_sleep_until(uint64_t ns)
{
	struct timespec ts = nsec_to_timespec(ns);

	return -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}
