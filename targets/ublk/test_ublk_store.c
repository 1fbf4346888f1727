// SPDX-License-Identifier: MIT
/* The memory backend's data: every byte comes back, pieces end where a lock does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/rng.h"
#include "targets/ublk/ublk_store.h"

#define STRIPE UBLK_STRIPE_BYTES
#define BYTES  (16u * STRIPE)

struct fixture {
	struct ublk_store store;
	struct ublk_lock_counts counts;
	char *model; /* what the store should have */
	char *buf;
};

static int set_up(struct fixture *f, unsigned locks)
{
	f->store.memory =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	f->store.locks = ublk_locks_new(locks);
	f->counts = (struct ublk_lock_counts){0};
	f->model = calloc(1, BYTES);
	f->buf = malloc(BYTES);
	return f->store.memory == MAP_FAILED || !f->store.locks || !f->model || !f->buf;
}

static void tear_down(struct fixture *f)
{
	munmap(f->store.memory, BYTES);
	ublk_locks_free(f->store.locks);
	free(f->model);
	free(f->buf);
}

static int access_at(struct fixture *f, uint64_t offset, uint32_t bytes, ublk_piece piece,
		     void *arg)
{
	struct ublk_access a = {.offset = offset, .bytes = bytes, .counts = &f->counts};

	return ublk_store_each(&f->store, &a, piece, arg);
}

/* Random writes, clears and reads against a plain copy of the device. */
static void check_model(unsigned locks)
{
	struct fixture f;
	struct rng rng;

	assert_int_equal(set_up(&f, locks), 0);
	rng_seed(&rng, locks + 1);
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t offset = rng_below(&rng, BYTES / 512) * 512;
		uint32_t most = (uint32_t)(BYTES - offset);
		uint32_t bytes =
			(uint32_t)(rng_below(&rng, min_of(most, 3 * STRIPE) / 512) + 1) * 512;

		switch (rng_below(&rng, 3)) {
		case 0:
			memset(f.buf, (int)(i % 255) + 1, bytes);
			memcpy(f.model + offset, f.buf, bytes);
			assert_int_equal(access_at(&f, offset, bytes, ublk_store_write, f.buf), 0);
			break;
		case 1:
			memset(f.model + offset, 0, bytes);
			assert_int_equal(access_at(&f, offset, bytes, ublk_store_clear, NULL), 0);
			break;
		default:
			assert_int_equal(access_at(&f, offset, bytes, ublk_store_read, f.buf), 0);
			assert_memory_equal(f.buf, f.model + offset, bytes);
		}
	}
	assert_memory_equal(f.store.memory, f.model, BYTES);
	tear_down(&f);
}

static void test_model(void **state)
{
	(void)state;
	check_model(0);
	check_model(1);
	check_model(3);
}

struct seen {
	unsigned pieces;
	uint32_t bytes[8], done[8];
	unsigned fail_at;
};

static int look(void *arg, char *data, uint32_t bytes, uint32_t done)
{
	struct seen *s = arg;

	(void)data;
	s->bytes[s->pieces] = bytes;
	s->done[s->pieces] = done;
	return s->pieces++ == s->fail_at ? -EIO : 0;
}

static void test_pieces(void **state)
{
	struct seen whole = {.fail_at = 99}, parts = {.fail_at = 99};
	struct fixture one, four;

	(void)state;
	assert_int_equal(set_up(&one, 1), 0);
	assert_int_equal(access_at(&one, STRIPE - 512, 2 * STRIPE, look, &whole), 0);
	assert_int_equal(whole.pieces, 1);
	assert_int_equal(one.counts.taken, 1);
	tear_down(&one);

	assert_int_equal(set_up(&four, 4), 0);
	assert_int_equal(access_at(&four, STRIPE - 512, 2 * STRIPE, look, &parts), 0);
	assert_int_equal(parts.pieces, 3);
	assert_int_equal(parts.bytes[0], 512);
	assert_int_equal(parts.bytes[1], STRIPE);
	assert_int_equal(parts.bytes[2], STRIPE - 512);
	assert_int_equal(parts.done[2], STRIPE + 512);
	assert_int_equal(four.counts.taken, 3);
	tear_down(&four);
}

/* The lock of the piece that failed is free again, and those behind it are never taken. */
static void test_error(void **state)
{
	struct seen seen = {.fail_at = 1};
	struct fixture f;

	(void)state;
	assert_int_equal(set_up(&f, 4), 0);
	assert_int_equal(access_at(&f, 0, 4 * STRIPE, look, &seen), -EIO);
	assert_int_equal(seen.pieces, 2);
	assert_int_equal(f.counts.taken, 2);
	for (unsigned i = 0; i < 4; i++) {
		ublk_locks_take(f.store.locks, i, &f.counts);
		ublk_locks_release(f.store.locks, i);
	}
	assert_int_equal(f.counts.contended, 0);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
