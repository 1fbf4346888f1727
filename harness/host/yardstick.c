// SPDX-License-Identifier: MIT
/*
 * The table of yardsticks and the measuring of one: on a thread of its own, which a loop may pin,
 * slices of a fixed time, each a whole number of turns. A slice is long against the clock's price
 * and short against the machine's moods; the median of five outlives two that were disturbed.
 */
#include "harness/host/yardstick.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "harness/host/yardstick_loop.h"
#include "harness/util/nsec.h"
#include "harness/util/order.h"

#define SLICES	  5
#define SLICE_NS  (10 * NSEC_PER_MSEC)
#define WARMUP_NS (2 * NSEC_PER_MSEC)

const struct yardstick yardsticks[] = {
	{"spin", 1, "a chain of 1000 multiplications", &yardstick_spin},
	{"switch", 1, "a round trip of two threads on one CPU", &yardstick_switch},
	{"wake", 1, "a round trip of two threads on two CPUs", &yardstick_wake},
	{"sync4k", 1, "4 KiB overwritten and made durable", &yardstick_sync4k},
	{"loopback", 1, "64 bytes sent to 127.0.0.1 and received", &yardstick_loopback},
	{.name = NULL},
};

const struct yardstick *yardstick_find(const char *name)
{
	for (const struct yardstick *y = yardsticks; name && y->name; y++)
		if (!strcmp(y->name, name))
			return y;
	return NULL;
}

struct measuring {
	const struct yardstick_loop *loop;
	const char *dir;
	double slices[SLICES]; /* ns for an operation */
	int code;
	struct err err;
};

/* Turns for at least `ns`; *ret is what an operation took. */
static int slice(const struct yardstick_loop *loop, void *state, uint64_t ns, double *ret,
		 struct err *err)
{
	uint64_t begin = nsec_now(), now = begin, turns = 0;

	while (now - begin < ns) {
		int r = loop->turn(state, err);

		if (r)
			return r;
		turns++;
		now = nsec_now();
	}
	*ret = (double)(now - begin) / ((double)turns * loop->batch);
	return 0;
}

static void *measure_thread(void *arg)
{
	struct measuring *m = arg;
	void *state = NULL;
	double ignored;

	m->code = m->loop->open(m->dir, &state, &m->err);
	if (!m->code)
		m->code = slice(m->loop, state, WARMUP_NS, &ignored, &m->err);
	for (unsigned i = 0; !m->code && i < SLICES; i++)
		m->code = slice(m->loop, state, SLICE_NS, &m->slices[i], &m->err);
	m->loop->close(state);
	return NULL;
}

static void measure(struct measuring *m)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, measure_thread, m);

	if (r) {
		m->code = err_sys(&m->err, -r, "thread");
		return;
	}
	pthread_join(thread, NULL);
	order_sort(m->slices, SLICES);
}

/* A tenth of a nanosecond is more than a slice can tell. */
static double rounded(double ns)
{
	return round(ns * 10) / 10;
}

cJSON *yardstick_measure(const char *dir)
{
	cJSON *all = cJSON_CreateObject();

	for (const struct yardstick *y = yardsticks; y->name; y++) {
		struct measuring m = {.loop = y->loop, .dir = dir};
		cJSON *one = cJSON_AddObjectToObject(all, y->name);

		measure(&m);
		cJSON_AddNumberToObject(one, "version", y->version);
		if (m.code) {
			cJSON_AddNullToObject(one, "ns");
			cJSON_AddStringToObject(one, "reason", m.err.text);
			continue;
		}
		cJSON_AddNumberToObject(one, "ns", rounded(order_median(m.slices, SLICES)));
		cJSON_AddNumberToObject(one, "low", rounded(m.slices[0]));
		cJSON_AddNumberToObject(one, "high", rounded(m.slices[SLICES - 1]));
	}
	return all;
}
