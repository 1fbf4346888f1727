// SPDX-License-Identifier: MIT
/* What a lock protects, and that waiting for it is counted, and nothing else. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/procfs.h"
#include "targets/ublk/ublk_lock.h"

#define STRIPE UBLK_STRIPE_BYTES
#define ROUNDS 20000u

static void test_stripes(void **state)
{
	static const struct {
		unsigned locks;
		uint64_t offset;
		unsigned index;
		uint64_t reach;
	} rows[] = {
		{1, 0, 0, UINT64_MAX},	    {1, 123 * STRIPE, 0, UINT64_MAX},
		{4, 0, 0, STRIPE},	    {4, STRIPE - 1, 0, 1},
		{4, STRIPE, 1, STRIPE},	    {4, 7 * STRIPE + 512, 3, STRIPE - 512},
		{3, 3 * STRIPE, 0, STRIPE}, {64, 1ull << 40, 0, STRIPE},
	};

	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		struct ublk_locks *l = ublk_locks_new(rows[i].locks);

		assert_int_equal(ublk_locks_index(l, rows[i].offset), rows[i].index);
		assert_int_equal(ublk_locks_reach(l, rows[i].offset), rows[i].reach);
		ublk_locks_free(l);
	}
}

static void test_alone(void **state)
{
	static const unsigned locks[] = {0, 1, 5};

	(void)state;
	for (unsigned i = 0; i < array_size(locks); i++) {
		struct ublk_locks *l = ublk_locks_new(locks[i]);
		struct ublk_lock_counts c = {0};

		for (unsigned n = 0; n < 100; n++) {
			ublk_locks_take(l, locks[i] ? n % locks[i] : 0, &c);
			ublk_locks_release(l, locks[i] ? n % locks[i] : 0);
		}
		assert_int_equal(c.taken, locks[i] ? 100 : 0);
		assert_int_equal(c.contended, 0);
		assert_int_equal(c.wait_ns, 0);
		ublk_locks_free(l);
	}
}

struct taker {
	struct ublk_locks *locks;
	unsigned index;
	struct ublk_lock_counts counts;
	uint64_t *shared;
	unsigned rounds;
	pid_t tid; /* set when it is about to take the lock */
};

static void *take_and_add(void *arg)
{
	struct taker *t = arg;

	__atomic_store_n(&t->tid, gettid(), __ATOMIC_RELEASE);
	for (unsigned i = 0; i < t->rounds; i++) {
		ublk_locks_take(t->locks, t->index, &t->counts);
		*(volatile uint64_t *)t->shared += 1;
		ublk_locks_release(t->locks, t->index);
	}
	return NULL;
}

static bool is_asleep(pid_t tid)
{
	struct proc_thread t;
	char dir[64];

	snprintf(dir, sizeof(dir), "/proc/self/task/%d", tid);
	return !procfs_thread(dir, &t) && t.state == 'S';
}

/* The lock is held until the other sleeps for it: contended once, and waited for. */
static void test_wait(void **state)
{
	struct ublk_lock_counts mine = {0};
	uint64_t shared = 0;
	struct taker other = {
		.locks = ublk_locks_new(2), .index = 1, .shared = &shared, .rounds = 1};
	pthread_t thread;

	(void)state;
	ublk_locks_take(other.locks, 1, &mine);
	assert_int_equal(pthread_create(&thread, NULL, take_and_add, &other), 0);
	while (!__atomic_load_n(&other.tid, __ATOMIC_ACQUIRE) || !is_asleep(other.tid))
		sched_yield();
	assert_int_equal(shared, 0);
	ublk_locks_release(other.locks, 1);
	pthread_join(thread, NULL);
	assert_int_equal(shared, 1);
	assert_int_equal(other.counts.taken, 1);
	assert_int_equal(other.counts.contended, 1);
	assert_true(other.counts.wait_ns > 0);
	assert_int_equal(mine.contended, 0);
	ublk_locks_free(other.locks);
}

static void test_excludes(void **state)
{
	struct ublk_locks *locks = ublk_locks_new(1);
	uint64_t shared = 0;
	struct taker takers[4];
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		takers[i] = (struct taker){.locks = locks, .shared = &shared, .rounds = ROUNDS};
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_add, &takers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared, 4 * ROUNDS);
	ublk_locks_free(locks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stripes),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_excludes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
