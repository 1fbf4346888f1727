// SPDX-License-Identifier: MIT
/* What programs cost, from counters as the kernel and they themselves would have left them, and how
 * much of the window is watched for that. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/nsec.h"
#include "probes/cost_plan.h"
#include "probes/prober.h"

#define SECOND ((double)NSEC_PER_SEC)
#define SLACK  1e-9

#define assert_near(a, b, slack) assert_true(fabs((a) - (b)) <= (slack))

static double share(double busy, double allowed, double length_ns)
{
	struct cost_plan plan;

	cost_plan(busy, allowed, length_ns, &plan);
	return plan.share;
}

static void test_within(void **state)
{
	struct cost_plan plan;

	(void)state;
	cost_plan(0, 0.05, SECOND, &plan);
	assert_near(plan.predicted, 0, SLACK);
	assert_near(plan.share, 1, SLACK);
	cost_plan(0.03, 0.05, SECOND, &plan);
	assert_near(plan.predicted, 0.03 * 1.3, SLACK);
	assert_near(plan.share, 1, SLACK);
}

static void test_part(void **state)
{
	(void)state;
	assert_near(share(0.1, 0.05, SECOND), 0.05 / 0.2, SLACK);
	assert_near(share(0.1, 0.1, SECOND), 0.1 / 0.2, SLACK);
	assert_true(share(0.2, 0.05, SECOND) < share(0.1, 0.05, SECOND));
}

/* A busy share of 0.1 costs 0.2. */
static void test_threshold(void **state)
{
	(void)state;
	assert_near(share(0.1, 0.2 * 0.66, SECOND), 1, SLACK);
	assert_near(share(0.1, 0.2 * 0.64, SECOND), 0.64, SLACK);
}

static void test_floor(void **state)
{
	(void)state;
	assert_near(share(1, 0.01, 100 * NSEC_PER_MSEC), 0.2, SLACK);
	assert_near(share(1, 0.01, 25 * NSEC_PER_MSEC), 1, SLACK);
	assert_near(share(1, 0.01, 20 * NSEC_PER_MSEC), 1, SLACK);
	assert_near(share(1, 0.01, 10 * NSEC_PER_MSEC), 1, SLACK);
}

/* A probe of two programs, whose counters a test sets. */
static const char *const programs[] = {"one", "two", NULL};
static uint64_t hits[HITS_CPUS][HITS_PROGRAMS];
static struct part part = {.programs = programs, .hits = hits};

static struct part *part_of(void *probe)
{
	return probe;
}

static const struct probe_plugin plugin = {.part = part_of};

/* In a second, runs of 150 ns, or 200 with the hook: 2 % of CPU 0 and 1 % of CPU 1. */
static void fill(struct watcher *w)
{
	memset(hits, 0, sizeof(hits));
	*w = (struct watcher){.plugin = &plugin, .probe = &part, .attached = true, .eased = 1};
	w->start_hits[0][0] = 1000;
	hits[0][0] = 1000 + 60000;
	hits[0][1] = 40000;
	hits[1][1] = 50000;
	w->start[0] = (struct part_stats){.runs = 5, .ns = 5000};
	w->warm[0] = (struct part_stats){.runs = 60005, .ns = 5000 + 60000 * 150};
	w->warm[1] = (struct part_stats){.runs = 90000, .ns = 90000 * 150};
}

static void test_load(void **state)
{
	struct watcher w;
	struct probe_load load;

	(void)state;
	fill(&w);
	load = prober_load(&w, 1);
	assert_near(load.ns_per_s, 100e3 * (150 + HOOK_NS), 1);
	assert_near(load.hits_per_s, 100e3, 1);
	load = prober_load(&w, 0.5);
	assert_near(load.ns_per_s, 200e3 * (150 + HOOK_NS), 1);
	hits[1][1] = 150000;
	load = prober_load(&w, 1);
	assert_near(load.ns_per_s, 150e3 * (150 + HOOK_NS), 1);
	assert_near(load.hits_per_s, 150e3, 1);
}

static void test_mean(void **state)
{
	struct watcher w;

	(void)state;
	fill(&w);
	assert_near(prober_mean_ns(&w, 0), 150, SLACK);
	w.inside[0] = (struct part_stats){.runs = 100, .ns = 30000};
	assert_near(prober_mean_ns(&w, 0), 300, SLACK);
	w.warm[1] = (struct part_stats){.runs = 99, .ns = 9900};
	assert_true(prober_mean_ns(&w, 1) < 0);
	w.inside[1] = (struct part_stats){.runs = 1, .ns = 100};
	assert_near(prober_mean_ns(&w, 1), 100, SLACK);
}

/* Two such probes in a window of a second. */
static struct prober p;
static struct probe_window window;

static void plan_at(uint64_t now, double eased, int64_t cost, bool whole)
{
	p = (struct prober){.n = 2, .config.cost = cost, .whole = whole, .share = 1};
	fill(&p.watchers[0]);
	fill(&p.watchers[1]);
	p.watchers[0].eased = p.watchers[1].eased = eased;
	window = (struct probe_window){.begin_ns = NSEC_PER_SEC, .end_ns = 2 * NSEC_PER_SEC};
	prober_share(&p, &window, 1, now);
}

static void plan(double eased, int64_t cost, bool whole)
{
	plan_at(NSEC_PER_SEC - 20 * NSEC_PER_MSEC, eased, cost, whole);
}

static void test_all_probes(void **state)
{
	(void)state;
	plan(1, 2, false);
	assert_near(p.predicted, 0.04 * 1.4, SLACK);
	assert_near(p.share, 0.02 / 0.056, SLACK);
	assert_int_equal(window.end_ns, NSEC_PER_SEC + (uint64_t)(SECOND * 0.02 / 0.056));
	assert_true(p.watchers[0].env.part && p.watchers[1].env.part);
	assert_string_equal(p.why_share,
			    "watching all of it would cost some 6 %, and probe_cost allows 2 %");
}

/* The end had passed before it was stored. */
static void test_too_late(void **state)
{
	uint64_t end;

	(void)state;
	plan(1, 2, false);
	end = window.end_ns;
	prober_share_check(&p, &window, 2 * NSEC_PER_SEC, end - 1);
	assert_int_equal(window.end_ns, end);
	assert_true(p.share < 1 && p.watchers[0].env.part);
	prober_share_check(&p, &window, 2 * NSEC_PER_SEC, end);
	assert_int_equal(window.end_ns, 2 * NSEC_PER_SEC);
	assert_true(p.share == 1 && !p.watchers[0].env.part);
	assert_string_equal(p.why_share,
			    "watching all of it would cost some 6 %, but that was known too late");
}

/* In the middle of the window, or when hardly any of it is left: what has passed was watched. */
static void test_late(void **state)
{
	(void)state;
	plan_at(NSEC_PER_SEC + 600 * NSEC_PER_MSEC, 1, 2, false);
	assert_true(p.share > 0.6 && p.share < 0.62);
	assert_in_range(window.end_ns, NSEC_PER_SEC + 601 * NSEC_PER_MSEC,
			NSEC_PER_SEC + 620 * NSEC_PER_MSEC);
	plan_at(2 * NSEC_PER_SEC, 1, 2, false);
	assert_near(p.share, 1, SLACK);
	assert_int_equal(window.end_ns, 2 * NSEC_PER_SEC);
}

static void test_eased(void **state)
{
	(void)state;
	plan(0.25, 2, false);
	assert_near(p.predicted, 0.01 * 1.1, SLACK);
	assert_near(p.share, 1, SLACK);
	assert_int_equal(window.end_ns, 2 * NSEC_PER_SEC);
	assert_string_equal(p.why_share, "");
}

static void test_left_whole(void **state)
{
	(void)state;
	plan(1, 2, true);
	assert_near(p.share, 1, SLACK);
	assert_int_equal(window.end_ns, 2 * NSEC_PER_SEC);
	assert_false(p.watchers[0].env.part);
	assert_non_null(strstr(p.why_share, "a hunt watches all of it"));
	plan(1, 5, false);
	assert_near(p.share, 1, SLACK);
	assert_non_null(strstr(p.why_share, "would not save enough"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within),	   cmocka_unit_test(test_part),
		cmocka_unit_test(test_threshold),  cmocka_unit_test(test_floor),
		cmocka_unit_test(test_load),	   cmocka_unit_test(test_mean),
		cmocka_unit_test(test_all_probes), cmocka_unit_test(test_eased),
		cmocka_unit_test(test_late),	   cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_left_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
