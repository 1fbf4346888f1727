// SPDX-License-Identifier: MIT
/*
 * The page of probed cells: bars come to the whole, frames lie within their parents, every table is
 * there, what was not measured is said, and nothing from a record gets in unescaped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/flame.h"
#include "reports/get.h"
#include "reports/plot.h"
#include "reports/probes_fold.h"
#include "reports/probes_html.h"
#include "reports/probes_text.h"
#include "reports/summary.h"

#define SESSION TESTDATA "/probed"

static struct summary *loaded_whole(void)
{
	struct summary *s = NULL;
	struct err err = {""};

	assert_int_equal(summary_load(SESSION, false, &s, &err), 0);
	for (size_t i = 0; i < s->n_cells; i++)
		s->cells[i]->probed->probes->whole = true;
	assert_int_equal(summary_load_whole(s, SESSION, &err), 0);
	return s;
}

typedef void (*part_fn)(FILE *out, const struct probes_view *v);

static char *made(part_fn part, const struct probes_view *v)
{
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);

	assert_non_null(mem);
	part(mem, v);
	fclose(mem);
	return text;
}

/* Sum of the widths, in percent, of the segments of the bar that begins at `at`. */
static double bar_width(const char *at)
{
	const char *end = strstr(at, "</svg>\n");
	double sum = 0, x, width;

	for (at = strstr(at, "<svg x="); at && at < end; at = strstr(at + 1, "<svg x=")) {
		assert_int_equal(sscanf(at, "<svg x=\"%lf%%\" width=\"%lf%%\"", &x, &width), 2);
		if (fabs(x - sum) > 0.01)
			fail_msg("a segment begins at %g and not at %g", x, sum);
		sum += width;
	}
	return sum;
}

/* Returns how many there are. */
static unsigned check_bars(const char *text)
{
	unsigned n = 0;

	for (const char *bar = text; (bar = strstr(bar, "class=\"tbar\"")); bar++, n++) {
		double width = bar_width(bar);

		if (fabs(width - 100) > 0.1)
			fail_msg("bar %u is %g %% wide", n, width);
	}
	return n;
}

static void test_bars(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = loaded_whole();

	(void)state;
	for (size_t i = 0; i < s->n_cells; i++) {
		const struct probes_view v = probes_sum_view(s->cells[i]->probed->probes);
		char *text = made(probes_html_time, &v);
		bool partly = i == 1; /* nop accounts for 90 % and does not know its lock waits */

		assert_int_equal(check_bars(text), partly ? 1 : 2);
		assert_true(!strstr(text, "not accounted for: 10.00 %") == !partly);
		assert_true(!strstr(text, "closure 90.0 %<") == !partly);
		assert_true(!strstr(text, "closure 100.0 %<") == partly);
		assert_true(!strstr(text, "closure 100.0 % (unchecked)<") == partly);
		assert_true(!strstr(text, "kernel lock: not known, no contention") == !partly);
		free(text);
	}
}

/* More classes than wall time: the bar is as wide as they are, never wider. */
static void test_bar_overfull(void **state)
{
	_cleanup_json_ cJSON *probes = cJSON_Parse(
		"{\"sched\":{\"status\":\"ok\",\"roles\":{\"driver\":{\"wall_ns\":100,\"classes\":"
		"{\"user\":{\"ns\":80},\"futex\":{\"ns\":45}}}}}}");
	const struct probes_view v = {.probes = probes, .window_ns = 100};
	char *text = made(probes_html_time, &v);

	(void)state;
	assert_int_equal(check_bars(text), 1);
	assert_non_null(strstr(text, "closure 125.0 % (unchecked)"));
	assert_non_null(strstr(text, "per second"));
	free(text);
}

static void check_flame(const struct flame *f, unsigned *ret_small)
{
	double sum = 0, x = f->x;

	for (const struct flame *c = f->child; c; c = c->next) {
		assert_true(c->ns > 0);
		assert_true(fabs(c->x - x) < 1e-9);
		if (c->next)
			assert_true(c->ns >= c->next->ns || c->next->kind == FLAME_SMALL);
		*ret_small += c->kind == FLAME_SMALL;
		x += c->width;
		sum += c->ns;
		check_flame(c, ret_small);
	}
	assert_true(sum <= f->ns * (1 + 1e-9));
	assert_true(x <= f->x + f->width + 1e-9);
}

static void test_flame(void **state)
{
	_cleanup_(cleanup_summary) struct summary *s = loaded_whole();
	const cJSON *sched = get(s->cells[0]->probed->probes->probes, "sched");
	struct flame *root = NULL;
	double left_out;
	unsigned small = 0;
	int depth;

	(void)state;
	assert_int_equal(flame_build(get(sched, "stacks"), &root, &left_out), 0);
	assert_true(fabs(root->ns - 3 * 1500e6) < 1);
	depth = flame_layout(root, 0.001);
	assert_int_equal(depth, 14); /* role, class, 5 user frames, 7 of the kernel; or 2 + 6 + 6 */
	check_flame(root, &small);
	assert_int_equal(small, 1); /* 1 ms of 1500 is below the limit */
	assert_int_equal(root->child->kind, FLAME_ROLE);
	assert_string_equal(root->child->name, "driver");
	assert_string_equal(root->child->child->name, "futex");
	assert_string_equal(root->child->child->child->name, "start_thread [libc.so.6]");
	assert_true(flame_count(root) > 20);
	assert_true(flame_layout(root, 0.4) > 0); /* merges what was merged before, too */
	small = 0;
	check_flame(root, &small);
	assert_true(flame_count(root) < 20 && small >= 1);
	assert_true(fabs(root->ns - 3 * 1500e6) < 1);
	flame_free(root);
}

/* What an earlier round merged may be wide by now: still there is one "(small)", the last. */
static void test_flame_again(void **state)
{
	_cleanup_json_ cJSON *stacks = cJSON_Parse(
		"[{\"role\":\"driver\",\"class\":\"futex\",\"user\":[\"a\"],\"sum_ns\":500},"
		"{\"role\":\"driver\",\"class\":\"futex\",\"user\":[\"b\"],\"sum_ns\":180},"
		"{\"role\":\"driver\",\"class\":\"futex\",\"user\":[\"c\"],\"sum_ns\":80},"
		"{\"role\":\"driver\",\"class\":\"futex\",\"user\":[\"d\"],\"sum_ns\":80},"
		"{\"role\":\"driver\",\"class\":\"futex\",\"user\":[\"e\"],\"sum_ns\":80},"
		"{\"role\":\"driver\",\"class\":\"futex\",\"user\":[\"f\"],\"sum_ns\":80}]");
	struct flame *root = NULL;
	double left_out;
	unsigned small = 0;

	(void)state;
	assert_int_equal(flame_build(stacks, &root, &left_out), 0);
	assert_true(flame_layout(root, 0.1) > 0); /* (small): 320 */
	assert_true(flame_layout(root, 0.2) > 0);
	check_flame(root, &small);
	assert_int_equal(small, 1);
	assert_int_equal(flame_count(root), 4);
	assert_int_equal(root->child->child->child->next->kind, FLAME_SMALL);
	assert_true(root->child->child->child->next->ns == 500);
	flame_free(root);
}

/* The thread that waits for all others hides them; where it is alone, it is what there is. */
static void test_flame_harness(void **state)
{
	_cleanup_json_ cJSON *probes = cJSON_Parse(
		"{\"sched\":{\"status\":\"ok\",\"stacked\":{\"long_ns\":8000,\"kernel\":3,"
		"\"unwound\":3},\"stacks\":["
		"{\"role\":\"harness\",\"class\":\"sleep\",\"user\":[\"a\"],\"sum_ns\":3000},"
		"{\"role\":\"driver\",\"class\":\"futex\",\"user\":[\"b\"],\"sum_ns\":1000}]}}");
	const struct probes_view v = {.probes = probes, .window_ns = 1e9};
	cJSON *stacks = cJSON_GetObjectItem(probes->child, "stacks");
	char *text = made(probes_html_flame, &v);
	struct flame *root = NULL;
	double left_out;

	(void)state;
	assert_null(strstr(text, "<title>harness"));
	assert_non_null(strstr(text, "100.00 %</title>"));
	assert_non_null(strstr(text, "(50 %) had their stack taken: 3 stacks"));
	assert_non_null(strstr(text, " of that is role harness, which waits for the others"));
	free(text);
	cJSON_DeleteItemFromArray(stacks, 1);
	assert_int_equal(flame_build(stacks, &root, &left_out), 0);
	assert_true(root->ns == 3000 && left_out == 0);
	flame_free(root);
}

static void test_flame_nothing(void **state)
{
	struct flame *root = NULL;
	double left_out;

	(void)state;
	assert_int_equal(flame_build(NULL, &root, &left_out), 0);
	assert_int_equal(flame_layout(root, 0.001), 0);
	flame_free(root);
}

static void assert_holds(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strstr(text, *words))
			fail_msg("there is no \"%s\" in: %s", *words, text);
}

static char *page_of(const struct probes_view *v)
{
	static const char *const lines[] = {"PID 1 <b>", NULL};
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);
	struct err err;

	assert_non_null(mem);
	assert_int_equal(probes_page(mem, "a & b", lines, v, NULL, &err), 0);
	fclose(mem);
	return text;
}

static void test_page(void **state)
{
	static const char *const wal[] = {"a &amp; b",
					  "PID 1 &lt;b&gt;",
					  "commit_wait (leader.c:88)",
					  "rwsem-write",
					  "fdatasync",
					  "Flame graph",
					  "Who ended",
					  "<title>driver, futex: 95.2 \302\265s per op",
					  "no &lt;such&gt; event",
					  "0.9 %",
					  "vda",
					  "What the probes lost and cost",
					  NULL};
	static const char *const nop[] = {"NOP",
					  "ECANCELED 6",
					  "1 in 64 was looked at: 1.3 M/s",
					  "the warm-up was too short",
					  "in slices of 4 ms: not to be compared",
					  "an upper bound",
					  "block_rq_issue: attach: EPERM",
					  NULL};
	static const char *const never[] = {"<script", "http:", "//", "odd<b>", "nan", "inf"};
	_cleanup_(cleanup_summary) struct summary *s = loaded_whole();

	(void)state;
	for (size_t i = 0; i < s->n_cells; i++) {
		const struct probes_view v = probes_sum_view(s->cells[i]->probed->probes);
		_cleanup_free_ char *page = page_of(&v);
		const char *body = strstr(page, "<body>");

		assert_non_null(body);
		assert_holds(page, i ? nop : wal);
		for (size_t k = 0; k < array_size(never); k++)
			if (strstr(body, never[k]))
				fail_msg("the page holds %s", never[k]);
	}
}

/* Nothing of this is as the contract has it; all of it must be survived. */
static void test_odd_records(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"null",
		"{\"sched\":1,\"lock\":null,\"cqe\":[]}",
		"{\"sched\":{\"status\":\"ok\"},\"lock\":{\"status\":\"ok\"},\"cqe\":{\"status\":\"ok\"},"
		"\"syscalls\":{\"status\":\"ok\"},\"block\":{\"status\":\"ok\"}}",
		"{\"sched\":{\"status\":\"ok\",\"roles\":{\"x\":{},\"y\":7},\"stacks\":[1,{},{\"sum_ns\":1}],"
		"\"wakers\":[0],\"waits\":[{}],\"histograms\":{\"x\":3},\"programs\":[5]},"
		"\"lock\":{\"status\":\"ok\",\"kernel\":[{\"stack\":7}],\"futex\":[{\"address\":-1},3],"
		"\"kernel_types\":[null],\"futex_calls\":[{}]},\"cqe\":{\"status\":\"ok\",\"rings\":[{\"opcodes\":"
		"[{}]},4]},\"syscalls\":{\"status\":\"ok\",\"calls\":[{\"slots\":[\"x\"]}]},"
		"\"block\":{\"status\":\"ok\",\"devices\":[{\"histogram\":{\"buckets\":[[1],2]}}]}}",
	};

	(void)state;
	for (size_t i = 0; i < array_size(texts); i++) {
		_cleanup_json_ cJSON *probes = cJSON_Parse(texts[i]);
		struct probes_sum sum = {0};
		struct probes_view v = {.probes = probes, .window_ns = 1};
		FILE *null = fopen("/dev/null", "we");

		assert_non_null(probes);
		assert_non_null(null);
		free(page_of(&v));
		probes_text_short(null, &v, "");
		assert_int_equal(probes_text_tables(null, &v, 100, 10), 0);
		assert_int_equal(probes_fold(&sum, probes, true), 0);
		assert_int_equal(probes_fold(&sum, probes, false), 0);
		v = probes_sum_view(&sum);
		free(page_of(&v));
		probes_sum_free(&sum);
		fclose(null);
	}
}

/* Not "no ring was used": nobody looked. */
static void test_no_slice(void **state)
{
	_cleanup_json_ cJSON *probes =
		cJSON_Parse("{\"cqe\":{\"status\":\"ok\",\"timing\":\"slices\",\"rings\":[],"
			    "\"reason_timing\":\"no slice: nothing was seen\"}}");
	const struct probes_view v = {.probes = probes, .window_ns = 100};
	char *text = made(probes_html_cqe, &v);

	(void)state;
	assert_non_null(strstr(text, "nothing was seen"));
	assert_null(strstr(text, "no ring was used"));
	free(text);
}

static void put_tables(FILE *out, const struct probes_view *v)
{
	assert_int_equal(probes_text_tables(out, v, 120, 2), 0);
}

static void test_tables(void **state)
{
	static const char *const wal[] = {"where the time went (time per op)",
					  "run queue",
					  "95.2 us",
					  "commit_wait (leader.c:88)",
					  "rwsem-write",
					  "... and 1 more",
					  "unsupported",
					  "vda",
					  "sched: 21 of 4521 user stacks are missing: "
					  "no room in the ring buffer (21); 6 of 4500 ",
					  NULL};
	static const char *const nop[] = {
		"io_uring", "NOP", "1 in 64", "90.0", "so at most", "not to be compared", NULL};
	_cleanup_(cleanup_summary) struct summary *s = loaded_whole();

	(void)state;
	for (size_t i = 0; i < s->n_cells; i++) {
		const struct probes_view v = probes_sum_view(s->cells[i]->probed->probes);
		_cleanup_free_ char *text = made(put_tables, &v);

		assert_holds(text, i ? nop : wal);
	}
}

static void test_pictures(void **state)
{
	static const char *const titles[] = {
		"driver: off-CPU time of a wait",  "driver: wait for the CPU",
		"harness: off-CPU time of a wait", "harness: wait for the CPU",
		"driver: wait for a kernel lock",  "driver: sleep on a futex"};
	_cleanup_(cleanup_summary) struct summary *s = loaded_whole();
	const struct probes_view v = probes_sum_view(s->cells[0]->probed->probes);
	struct probe_pictures pics;
	struct plot *plot = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(plot_open(&plot, &err), 0);
	probes_plan(plot, &v, &pics);
	assert_int_equal(pics.n, array_size(titles));
	for (unsigned i = 0; i < pics.n; i++)
		assert_string_equal(pics.list[i].title, titles[i]);
	plot_close(plot);
}

static void test_no_locks(void **state)
{
	_cleanup_json_ cJSON *probes =
		cJSON_Parse("{\"lock\":{\"status\":\"ok\",\"kernel\":null,\"reason_kernel\":"
			    "\"no contention events\",\"futex\":null,\"reason_futex\":\"EIO\"}}");
	const struct probes_view v = {.probes = probes, .window_ns = 1};
	_cleanup_free_ char *text = made(put_tables, &v);
	_cleanup_free_ char *page = page_of(&v);

	(void)state;
	assert_non_null(strstr(text, "lock, kernel locks: no contention events"));
	assert_non_null(strstr(text, "lock, futexes: EIO"));
	assert_non_null(strstr(page, "no contention events; EIO"));
	assert_non_null(strstr(page, "Kernel locks <small>not known: no contention events<"));
	assert_non_null(strstr(page, "Futexes <small>not known: EIO<"));
	assert_null(strstr(page, "none was contended"));
	assert_null(strstr(page, "no wait was seen"));
}

/* Each reason once, with the probes that give it. */
static void test_reasons(void **state)
{
	_cleanup_json_ cJSON *probes =
		cJSON_Parse("{\"sched\":{\"status\":\"ok\",\"reason_run_ns\":\"few\"},"
			    "\"lock\":{\"status\":\"ok\",\"reason_run_ns\":\"EPERM\","
			    "\"reason_slept\":\"no sched\",\"reason_futex_hooks\":\"no hooks\"},"
			    "\"cqe\":{\"status\":\"ok\",\"reason_run_ns\":\"few\"},"
			    "\"block\":{\"status\":\"ok\"}}");
	const struct probes_view v = {.probes = probes, .window_ns = 1};
	_cleanup_free_ char *text = made(put_tables, &v);
	_cleanup_free_ char *page = page_of(&v);

	(void)state;
	assert_non_null(strstr(text, "  cost of sched, cqe is not known: few\n"
				     "  cost of lock is not known: EPERM\n"));
	assert_non_null(strstr(text, "lock, futex calls: no hooks"));
	assert_non_null(strstr(text, "lock, futex sleeps: no sched"));
	assert_non_null(strstr(page, "no hooks; no sched; EPERM"));
}

static void put_short(FILE *out, const struct probes_view *v)
{
	probes_text_short(out, v, "");
}

/* Every form says of what part of the window it tells. */
static void test_watched_part(void **state)
{
	_cleanup_json_ cJSON *probes =
		cJSON_Parse("{\"lock\":{\"status\":\"ok\",\"sampling\":{\"every\":1,\"share\":0.3,"
			    "\"reason_share\":\"9 % > 5 %\"}}}");
	const struct probes_view v = {.probes = probes, .window_ns = 1};
	_cleanup_free_ char *text = made(put_tables, &v), *line = made(put_short, &v);
	_cleanup_free_ char *page = page_of(&v);

	(void)state;
	assert_non_null(strstr(text, "lock watched the first 30 % of the window: 9 % > 5 %"));
	assert_non_null(strstr(line, "watched: the first 30 % of the window\n"));
	assert_non_null(strstr(page, "Watched the first 30 % of the window: 9 % &gt; 5 %"));
}

/* Where a probe was ok in some repeats only, its figures are of these. */
static void test_partial(void **state)
{
	_cleanup_json_ cJSON *probes = cJSON_Parse("{\"lock\":{\"status\":\"ok\",\"run_ns\":50,"
						   "\"runs\":{\"ok\":1,\"failed\":1}}}");
	const struct probes_view v = {.probes = probes, .window_ns = 200, .ops = 20};

	(void)state;
	assert_true(view_for(&v, "lock").ops == 10);
	assert_true(view_for(&v, "sched").ops == 20);
	assert_true(view_cost(&v, "lock") == 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bars),	      cmocka_unit_test(test_bar_overfull),
		cmocka_unit_test(test_flame),	      cmocka_unit_test(test_flame_nothing),
		cmocka_unit_test(test_page),	      cmocka_unit_test(test_no_slice),
		cmocka_unit_test(test_odd_records),   cmocka_unit_test(test_tables),
		cmocka_unit_test(test_partial),	      cmocka_unit_test(test_no_locks),
		cmocka_unit_test(test_pictures),      cmocka_unit_test(test_watched_part),
		cmocka_unit_test(test_reasons),	      cmocka_unit_test(test_flame_again),
		cmocka_unit_test(test_flame_harness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
