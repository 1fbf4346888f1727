// SPDX-License-Identifier: MIT
/*
 * Requests in flight, in one set: two threads of more requests than there are places, which put
 * what the other one takes. Times are made from the address, so whose they are can be told.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "harness/util/nsec.h"
#include "probes/cqe/cqe_set.h"

#define REQUESTS 8 /* of them half have room */
#define LONG_NS	 (500 * NSEC_PER_MSEC)

static struct cqe_flight_set set;

static uint64_t address(unsigned i)
{
	return ADDRESS_ONES | (i + 1) * 0x100ull;
}

static uint64_t times_of(uint64_t req, uint64_t round)
{
	return (req & ~ADDRESS_ONES) << 32 | (round & 0xffff) << 1 | 1;
}

static void test_alone(void **state)
{
	struct flown f;

	(void)state;
	set = (struct cqe_flight_set){0};
	for (unsigned i = 0; i < FLIGHT_WAYS; i++)
		assert_true(flight_set_put(&set, address(i), 20 + i, 1 + i));
	assert_true(flight_set_put(&set, address(1), 40, 50)); /* its memory, used again */
	assert_false(flight_set_put(&set, address(FLIGHT_WAYS), 30, 9));
	f = flight_set_take(&set, address(0)); /* had to go */
	assert_int_equal(f.opcode, OP_UNKNOWN);
	f = flight_set_take(&set, address(1));
	assert_int_equal(f.opcode, 40);
	assert_int_equal(f.times, 50);
	assert_int_equal(flight_set_take(&set, address(1)).opcode, OP_UNKNOWN);
	f = flight_set_take(&set, address(FLIGHT_WAYS));
	assert_int_equal(f.opcode, 30);
	assert_int_equal(f.times, 9);
	for (unsigned i = 2; i < FLIGHT_WAYS; i++)
		assert_int_equal(flight_set_take(&set, address(i)).times, 1 + i);
	for (unsigned i = 0; i < FLIGHT_WAYS; i++)
		assert_int_equal(set.way[i].key, 0);
}

struct meeting {
	uint64_t end_ns, timed, foreign;
	unsigned first;
};

/* Every other request each, so that both put and take in the same set. */
static void *meet(void *arg)
{
	struct meeting *m = arg;

	for (uint64_t round = 0; round % 1024 || nsec_now() < m->end_ns; round++) {
		for (unsigned i = m->first; i < REQUESTS; i += 2)
			flight_set_put(&set, address(i), i, times_of(address(i), round));
		for (unsigned i = m->first; i < REQUESTS; i += 2) {
			struct flown f = flight_set_take(&set, address(i));

			m->timed += f.times != 0;
			m->foreign += f.times && f.times != times_of(address(i), round);
			m->foreign += f.opcode != OP_UNKNOWN && f.opcode != i;
		}
	}
	return NULL;
}

static void test_together(void **state)
{
	uint64_t end_ns = nsec_now() + LONG_NS;
	struct meeting all[2] = {{.end_ns = end_ns}, {.end_ns = end_ns, .first = 1}};
	pthread_t threads[2];

	(void)state;
	set = (struct cqe_flight_set){0};
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, meet, &all[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(all[i].timed > 1000);
		assert_int_equal(all[i].foreign, 0);
	}
	for (unsigned i = 0; i < FLIGHT_WAYS; i++) /* no place is left claimed */
		assert_int_not_equal(set.way[i].key, FLIGHT_CLAIMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
