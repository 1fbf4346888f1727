// SPDX-License-Identifier: MIT
/*
 * The cutter against a guest that is played here: it acknowledges numbers, each only after it has
 * flushed them to the disk, as fast as it can. Every cut must then have, in its image, all that its
 * share of the stream promises.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/acks.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/vm/cutter.h"

#define BYTES (4ull << 20)
#define MS    NSEC_PER_MSEC

static struct volatile_disk *disk;
static struct cutter *cutter;

static void start(unsigned cuts, uint64_t after_ns, uint64_t until_ns)
{
	struct cutter_options o = {.after_ns = after_ns,
				   .until_ns = until_ns,
				   .cuts = cuts,
				   .seed = 7,
				   .disk_bytes = BYTES};
	struct err err;

	assert_int_equal(volatile_disk_new(BYTES, &disk, &err), 0);
	assert_int_equal(cutter_start(&o, disk, &cutter, &err), 0);
}

static void stop(void)
{
	struct err err = {""};

	if (cutter_stop(cutter, &err))
		fail_msg("%s", err.text);
}

static int end(void **state)
{
	(void)state;
	cutter_free(cutter);
	volatile_disk_free(disk);
	return 0;
}

static void say(const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(cutter_port(cutter), text, len, MSG_NOSIGNAL), len);
}

/* Sector n gets the number n + 1. */
static void store(uint64_t n)
{
	uint64_t sector[VOLATILE_SECTOR / 8] = {n + 1};

	assert_int_equal(
		volatile_disk_write(disk, sector, sizeof(sector), n * VOLATILE_SECTOR, false), 0);
}

static void promise(uint64_t n)
{
	char line[32];

	snprintf(line, sizeof(line), "%llu\n", (unsigned long long)n);
	say(line);
}

/* How many of the promised numbers are not in the image of cut i. */
static unsigned broken_promises(unsigned i, const struct cut *c)
{
	size_t len;
	const char *text = cutter_acks(cutter, &len), *at, *eol;
	unsigned broken = 0;

	assert_true(c->acks <= len);
	for (at = text; (eol = memchr(at, '\n', (size_t)(text + c->acks - at))); at = eol + 1) {
		uint64_t n = strtoull(at, NULL, 10), found = 0;
		uint64_t where = i * BYTES + n * VOLATILE_SECTOR;

		if (*at == '#')
			continue;
		assert_int_equal(pread(cutter_images(cutter), &found, 8, (off_t)where), 8);
		broken += found != n + 1;
	}
	return broken;
}

/* An image's place is made just before it is filled. */
static unsigned images(void)
{
	struct stat st;

	assert_int_equal(fstat(cutter_images(cutter), &st), 0);
	return (unsigned)((uint64_t)st.st_size / BYTES);
}

static void wait_for_images(unsigned n)
{
	uint64_t give_up = nsec_now() + 20 * NSEC_PER_SEC;

	while (images() < n) {
		assert_true(nsec_now() < give_up);
		nsec_sleep_until(nsec_now() + MS);
	}
}

static unsigned run_guest(uint64_t n, bool honest)
{
	const struct cut *cuts;
	unsigned n_cuts, broken = 0;

	say("# played {}\n");
	for (uint64_t i = 0; i < n; i++) {
		store(i);
		if (honest)
			assert_int_equal(volatile_disk_flush(disk), 0);
		promise(i);
	}
	wait_for_images(1);
	stop();
	cuts = cutter_cuts(cutter, &n_cuts);
	assert_true(n_cuts > 0);
	for (unsigned i = 0; i < n_cuts; i++)
		broken += broken_promises(i, &cuts[i]);
	return broken;
}

static void test_an_honest_guest(void **state)
{
	(void)state;
	start(100, 0, 500 * NSEC_PER_USEC);
	assert_int_equal(run_guest(BYTES / VOLATILE_SECTOR, true), 0);
	assert_int_equal(cutter_runs(cutter), 1);
}

static void test_a_cheat(void **state)
{
	(void)state;
	start(100, 0, 500 * NSEC_PER_USEC);
	assert_true(run_guest(BYTES / VOLATILE_SECTOR, false) > 0);
}

/* Waits for the eye of the machine: with one cut it is to be stopped. */
static bool wait_done(int ms)
{
	struct pollfd fd = {cutter_wake_fd(cutter), POLLIN, 0};

	return poll(&fd, 1, ms) == 1 && cutter_is_done(cutter);
}

static void test_one_cut_stops_the_machine(void **state)
{
	const struct cut *cuts;
	uint64_t begin;
	unsigned n;

	(void)state;
	start(1, 30 * MS, 30 * MS);
	say("# played {}\n");
	assert_false(wait_done(60)); /* nothing was acknowledged yet */
	begin = nsec_now();
	say("1\n");
	assert_true(wait_done(20000));
	assert_true(nsec_now() - begin >= 30 * MS);
	stop();
	cuts = cutter_cuts(cutter, &n);
	assert_int_equal(n, 1);
	assert_true(cuts[0].run_ns >= 30 * MS);
	assert_int_equal(cuts[0].acks, strlen("# played {}\n1\n"));
}

/* A line that is not whole promises nothing. */
static void test_half_a_line(void **state)
{
	(void)state;
	start(1, 0, 0);
	say("# played {}\n12");
	assert_false(wait_done(50));
	assert_int_equal(cutter_runs(cutter), 0);
	say("\n");
	assert_true(wait_done(20000));
	stop();
	assert_int_equal(cutter_runs(cutter), 1);
}

static unsigned cuts_now(void)
{
	unsigned n;

	cutter_cuts(cutter, &n);
	return n;
}

/* A run's cuts are its own, and no more than were asked for. */
static void test_cuts_of_each_run(void **state)
{
	const struct cut *cuts;

	(void)state;
	start(2, 0, 0);
	for (unsigned run = 0; run < 3; run++) {
		say("# played {}\n");
		promise(0);
		wait_for_images(2 * run + 1);
		promise(1);
		wait_for_images(2 * run + 2);
		promise(2);
	}
	stop();
	assert_int_equal(cutter_runs(cutter), 3);
	assert_int_equal(cuts_now(), 6);
	cuts = cutter_cuts(cutter, &(unsigned){0});
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(cuts[i].run, i / 2);
}

static void test_a_new_run_calls_a_cut_off(void **state)
{
	(void)state;
	start(2, 300 * MS, 300 * MS);
	say("# played {}\n1\n");
	say("# played {}\n");
	assert_false(wait_done(500));
	stop();
	assert_int_equal(cuts_now(), 0);
}

static void test_times_are_drawn_from_the_span(void **state)
{
	const struct cut *cuts;
	unsigned n;

	(void)state;
	start(5, 5 * MS, 15 * MS);
	say("# played {}\n");
	for (unsigned i = 0; images() < 5; i++) {
		promise(i);
		nsec_sleep_until(nsec_now() + MS);
		assert_true(i < 20000);
	}
	stop();
	cuts = cutter_cuts(cutter, &n);
	assert_int_equal(n, 5);
	for (unsigned i = 0; i < n; i++)
		assert_true(cuts[i].run_ns >= (i ? cuts[i - 1].run_ns : 0) + 5 * MS);
}

/* Here: there is no room for a second image. The first one is as good as ever. */
static void test_an_error_stops_the_machine(void **state)
{
	struct rlimit before, one_image;
	struct err err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	one_image = (struct rlimit){BYTES, before.rlim_max};
	start(5, 0, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &one_image), 0);
	say("# played {}\n1\n");
	wait_for_images(1);
	assert_false(wait_done(0));
	say("2\n");
	assert_true(wait_done(20000));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(cutter_stop(cutter, &err), -EFBIG);
	assert_non_null(strstr(err.text, "the image of cut 2"));
	assert_int_equal(cuts_now(), 1);
}

static void note_run(void *arg, const char *line, int run)
{
	char *text = arg;

	sprintf(text + strlen(text), "%.*s=%d ", (int)strcspn(line, "\n"), line, run);
}

/* One that acknowledges nothing has no number. */
static void test_runs(void **state)
{
	char text[128] = "";

	(void)state;
	start(1, 3600 * NSEC_PER_SEC, 3600 * NSEC_PER_SEC);
	say("# a\n1\n2\n# b\n# c\n1\n# d\n# e");
	while (cutter_runs(cutter) < 2)
		nsec_sleep_until(nsec_now() + MS);
	stop();
	cutter_each_run(cutter, note_run, text);
	assert_string_equal(text, "# a=0 # b=-1 # c=1 # d=-1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_an_honest_guest, end),
		cmocka_unit_test_teardown(test_a_cheat, end),
		cmocka_unit_test_teardown(test_one_cut_stops_the_machine, end),
		cmocka_unit_test_teardown(test_an_error_stops_the_machine, end),
		cmocka_unit_test_teardown(test_runs, end),
		cmocka_unit_test_teardown(test_half_a_line, end),
		cmocka_unit_test_teardown(test_cuts_of_each_run, end),
		cmocka_unit_test_teardown(test_a_new_run_calls_a_cut_off, end),
		cmocka_unit_test_teardown(test_times_are_drawn_from_the_span, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
