// SPDX-License-Identifier: MIT
/*
 * Others' shares from samples that are made here, and of a burner that is one of them, or is not
 * when it was our child. No test bounds from above what this machine does beside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/session/others.h"
#include "harness/util/nsec.h"

/* A CPU's worth of others in the first of two seconds, and half a one of steal in the second. */
static const struct others made = {
	.samples = {{1000000000, 500, 100, 0},
		    {2000000000, 1000000500, 100, 0},
		    {3000000000, 1800000500, 500000100, 800000000}},
	.n = 3,
};

static void assert_share(struct others_share s, double steal, double foreign)
{
	double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);

	assert_true(fabs(s.steal * cpus - steal) < 1e-6);
	assert_true(fabs(s.foreign * cpus - foreign) < 1e-6);
}

static void test_in_the_window(void **state)
{
	(void)state;
	assert_share(others_share(&made, 1000000000, 2000000000), 0, 1);
	assert_share(others_share(&made, 2000000000, 3000000000), 0.5, 0);
	assert_share(others_share(&made, 1500000000, 2500000000), 0.25, 0.5);
	assert_share(others_share(&made, 2250000000, 2500000000), 0.5, 0);
}

/* Whatever a build says about its window, it is judged. */
static void test_window_that_cannot_be(void **state)
{
	const uint64_t windows[][2] = {
		{0, 0}, {2500000000, 1500000000}, {1, 2000000000}, {1500000000, 9000000000}};

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++)
		assert_share(others_share(&made, windows[i][0], windows[i][1]), 0.25, 0.5);
}

static void test_nothing_known(void **state)
{
	struct others o = {.n = 1};

	(void)state;
	assert_true(isnan(others_share(&o, 0, 0).foreign));
	assert_true(isnan(others_share(&o, 0, 0).steal));
}

/* For as long as it takes it to use so much CPU. */
static void burn(uint64_t cpu_ns)
{
	struct timespec ts;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	while ((uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec < cpu_ns);
}

static double busy_cpus(const struct others *o)
{
	uint64_t took = o->samples[o->n - 1].at_ns - o->samples[0].at_ns;

	return (double)took / 1e9 * (double)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Half a second of CPU: of others while the child lives, and the run's when it is reaped. */
static void test_whose_work_it_is(void **state)
{
	struct others alive, reaped;
	pid_t child;
	double a, b;

	(void)state;
	others_begin(&alive);
	others_begin(&reaped);
	child = fork();
	if (!child) {
		burn(NSEC_PER_SEC / 2);
		_exit(0);
	}
	waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT);
	others_end(&alive);
	waitpid(child, NULL, 0);
	others_end(&reaped);
	assert_int_equal(alive.n, 2);
	a = others_share(&alive, 0, 0).foreign * busy_cpus(&alive);
	b = others_share(&reaped, 0, 0).foreign * busy_cpus(&reaped);
	print_message("others: %.3f s, without the child %.3f s\n", a, b);
	assert_true(a > 0.4);
	assert_true(a - b > 0.3);
}

/* However long a run takes there is room, the first sample stays, and they come less often. */
static void test_many_samples(void **state)
{
	char dir[] = "/tmp/test_others.XXXXXX", path[64];
	struct others o;
	uint64_t began, now = 0;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cpu.stat", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("usage_usec 1000\nuser_usec 500\n", f);
	fclose(f);
	others_begin(&o);
	began = o.samples[0].at_ns;
	for (int i = 0; i < 2 * OTHERS_SAMPLES; i++) {
		uint64_t next = others_tick(&o, dir, now);

		assert_int_equal(next, o.every_ns);
		assert_int_equal(others_tick(&o, dir, now + next - 1), 1);
		now += next;
	}
	unlink(path);
	rmdir(dir);
	assert_true(o.n > OTHERS_SAMPLES / 2 && o.n <= OTHERS_SAMPLES);
	assert_int_equal(o.samples[0].at_ns, began);
	assert_int_equal(o.every_ns, 400 * NSEC_PER_MSEC);
	/* The run has used a millisecond, and we something. */
	assert_true(o.samples[1].own_ns - o.samples[0].own_ns >= NSEC_PER_MSEC);
	others_last(&o, dir);
	assert_true(o.samples[o.n - 1].at_ns < nsec_now());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_the_window), cmocka_unit_test(test_window_that_cannot_be),
		cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_whose_work_it_is),
		cmocka_unit_test(test_many_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
