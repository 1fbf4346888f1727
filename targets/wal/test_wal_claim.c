// SPDX-License-Identifier: MIT
/* Lanes that dawdle between claiming a place and writing there, on a ring of a few places. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "targets/wal/wal_claim.h"

#define LANES	   4u
#define PARTITIONS 2u
#define PLACES	   8u
#define CLAIMS	   4000u
#define RECORD	   64u

struct world {
	struct wal_claims claims;
	struct wal_log log[PARTITIONS];
	_Atomic uint32_t busy[PARTITIONS][PLACES];
	_Atomic uint32_t clashes; /* two lanes in one place */
};

struct lane_arg {
	struct world *w;
	uint32_t lane;
};

static void *lane_main(void *arg)
{
	const struct lane_arg *a = arg;
	struct world *w = a->w;

	for (uint32_t i = 0; i < CLAIMS; i++) {
		uint32_t p = (i + a->lane) % PARTITIONS;
		uint64_t at = wal_claim(&w->claims, a->lane, &w->log[p], p, RECORD);
		_Atomic uint32_t *busy = &w->busy[p][at / RECORD];

		w->clashes += atomic_exchange(busy, 1);
		if (i % 100 == a->lane * 25)
			usleep(300); /* held up: the others run into its place from behind */
		atomic_store(busy, 0);
		wal_claim_end(&w->claims, a->lane, p);
	}
	return NULL;
}

static void test_nobody_is_lapped(void **state)
{
	_cleanup_free_ struct world *w = aligned_alloc(128, sizeof(*w));
	struct lane_arg args[LANES];
	pthread_t threads[LANES];

	(void)state;
	assert_non_null(w);
	memset(w, 0, sizeof(*w));
	assert_int_equal(wal_claims_init(&w->claims, LANES, PARTITIONS), 0);
	for (uint32_t p = 0; p < PARTITIONS; p++)
		w->log[p].ring_bytes = PLACES * RECORD;
	for (uint32_t i = 0; i < LANES; i++) {
		args[i] = (struct lane_arg){.w = w, .lane = i};
		assert_int_equal(pthread_create(&threads[i], NULL, lane_main, &args[i]), 0);
	}
	for (uint32_t i = 0; i < LANES; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(w->clashes, 0);
	assert_int_equal(w->log[0].lsn + w->log[1].lsn, (uint64_t)LANES * CLAIMS * RECORD);
	wal_claims_free(&w->claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_lapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
