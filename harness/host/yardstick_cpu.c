// SPDX-License-Identifier: MIT
/*
 * The yardsticks of CPUs: spin, switch, wake. The body of spin is written in the machine's own
 * language, so that no compiler and no option changes it: each multiplication waits for the one
 * before. In switch and wake two threads hand a word to and fro by futex(2); on one CPU each
 * hand-over is a switch, on two a wake-up of an idle CPU.
 */
#include "harness/host/yardstick_loop.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "harness/util/futex.h"

#define SPIN_STEPS 1000
#define SPIN_BATCH 20
#define TRIPS	   20

static int spin_open(const char *dir, void **ret, struct err *err)
{
	(void)dir;
	(void)err;
	*ret = NULL;
	return 0;
}

static void spin_steps(unsigned long steps)
{
	unsigned long value = 3;

#if defined(__x86_64__)
	__asm__ volatile("1: imul %1, %1\n\tsub $1, %0\n\tjnz 1b"
			 : "+r"(steps), "+r"(value)
			 :
			 : "cc");
#elif defined(__aarch64__)
	__asm__ volatile("1: mul %1, %1, %1\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(steps), "+r"(value)
			 :
			 : "cc");
#else
	while (steps--)
		__asm__ volatile("" : "+r"(value) : "0"(value * value));
#endif
}

static int spin_turn(void *state, struct err *err)
{
	(void)state;
	(void)err;
	spin_steps((unsigned long)SPIN_STEPS * SPIN_BATCH);
	return 0;
}

static void spin_close(void *state)
{
	(void)state;
}

const struct yardstick_loop yardstick_spin = {
	.batch = SPIN_BATCH, .open = spin_open, .turn = spin_turn, .close = spin_close};

#define TRIP_OVER UINT32_MAX

/* `there` is written by who asks, `back` by who answers; each waits on the other's word. */
struct trip {
	_Atomic uint32_t there, back;
	uint32_t number;
	pthread_t thread;
	bool started;
};

static uint32_t wait_for_change(_Atomic uint32_t *word, uint32_t old)
{
	uint32_t now;

	while ((now = atomic_load(word)) == old)
		futex_wait_until(word, old, FUTEX_NEVER);
	return now;
}

static void *trip_answer(void *arg)
{
	struct trip *t = arg;
	uint32_t seen = 0;

	while ((seen = wait_for_change(&t->there, seen)) != TRIP_OVER) {
		atomic_store(&t->back, seen);
		futex_wake(&t->back, 1);
	}
	return NULL;
}

/* Keeps the calling thread, and those that it starts, on the n-th CPU that it may use. */
static int pin_to(const cpu_set_t *allowed, unsigned n, struct err *err)
{
	cpu_set_t one;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			return err_sys(err, -errno, "sched_setaffinity to CPU %d", cpu);
		return 0;
	}
	return err_set(err, -ENODEV, "there is only one CPU to use");
}

/* The one who answers on the CPU `other`, the caller on the first. */
static int trip_open(unsigned other, void **ret, struct err *err)
{
	struct trip *t = calloc(1, sizeof(*t));
	cpu_set_t allowed;
	int r;

	if (!t)
		return err_sys(err, -ENOMEM, "trip");
	*ret = t;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return err_sys(err, -errno, "sched_getaffinity");
	r = pin_to(&allowed, other, err);
	if (r)
		return r;
	r = pthread_create(&t->thread, NULL, trip_answer, t);
	if (r)
		return err_sys(err, -r, "thread");
	t->started = true;
	return pin_to(&allowed, 0, err);
}

static int switch_open(const char *dir, void **ret, struct err *err)
{
	(void)dir;
	return trip_open(0, ret, err);
}

static int wake_open(const char *dir, void **ret, struct err *err)
{
	(void)dir;
	return trip_open(1, ret, err);
}

static int trip_turn(void *state, struct err *err)
{
	struct trip *t = state;

	(void)err;
	for (unsigned i = 0; i < TRIPS; i++) {
		uint32_t before = t->number;

		if (++t->number == TRIP_OVER)
			t->number = 1;
		atomic_store(&t->there, t->number);
		futex_wake(&t->there, 1);
		wait_for_change(&t->back, before);
	}
	return 0;
}

static void trip_close(void *state)
{
	struct trip *t = state;

	if (!t)
		return;
	if (t->started) {
		atomic_store(&t->there, TRIP_OVER);
		futex_wake(&t->there, INT_MAX);
		pthread_join(t->thread, NULL);
	}
	free(t);
}

const struct yardstick_loop yardstick_switch = {
	.batch = TRIPS, .open = switch_open, .turn = trip_turn, .close = trip_close};
const struct yardstick_loop yardstick_wake = {
	.batch = TRIPS, .open = wake_open, .turn = trip_turn, .close = trip_close};
