// SPDX-License-Identifier: MIT
/* First arrivals, late ones, duplicates and the edge of the window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/udp_track.h"

#define REACH (uint64_t) UDP_TRACK_REACH
#define FAR   (1ull << 40)

struct step {
	uint64_t seq;
	enum udp_arrival want;
};

static void play(const struct step *steps, size_t n)
{
	struct udp_track *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	for (size_t i = 0; i < n; i++)
		if (udp_track_add(t, steps[i].seq) != steps[i].want)
			fail_msg("step %zu: %llu is not judged as %d", i,
				 (unsigned long long)steps[i].seq, steps[i].want);
	free(t);
}

static void test_judgements(void **state)
{
	static const struct step in_order[] = {{0, UDP_NEW}, {1, UDP_NEW}, {2, UDP_NEW}};
	static const struct step twice[] = {
		{0, UDP_NEW},	     {0, UDP_DUPLICATE},  {63, UDP_NEW},     {64, UDP_NEW},
		{63, UDP_DUPLICATE}, {64, UDP_DUPLICATE}, {0, UDP_DUPLICATE}};
	static const struct step late[] = {
		{5, UDP_NEW}, {3, UDP_REORDERED}, {3, UDP_DUPLICATE}, {4, UDP_REORDERED}};
	static const struct step edge[] = {
		{0, UDP_NEW},	      {1, UDP_NEW},   {REACH, UDP_NEW},	 {1, UDP_DUPLICATE},
		{REACH + 1, UDP_NEW}, {1, UDP_STALE}, {2, UDP_REORDERED}};
	static const struct step leap[] = {{7, UDP_NEW},
					   {FAR + 7, UDP_NEW},
					   {FAR + 6, UDP_REORDERED},
					   {7, UDP_STALE},
					   {FAR + 8 - REACH, UDP_REORDERED},
					   {FAR + 7 - REACH, UDP_STALE}};
	static const struct step word[] = {{10, UDP_NEW},
					   {10 + 64 * 1024, UDP_NEW},
					   {9 + 64 * 1024, UDP_REORDERED},
					   {11 + 64 * 1024, UDP_NEW}};

	(void)state;
	play(in_order, array_size(in_order));
	play(twice, array_size(twice));
	play(late, array_size(late));
	play(edge, array_size(edge));
	play(leap, array_size(leap));
	play(word, array_size(word));
}

/* Every third is missing; afterwards exactly those inside the window can still arrive. */
static void test_long_stream_with_gaps(void **state)
{
	struct udp_track *t = calloc(1, sizeof(*t));
	const uint64_t end = 5 * REACH;

	(void)state;
	assert_non_null(t);
	for (uint64_t seq = 0; seq < end; seq++)
		if (seq % 3)
			assert_int_equal(udp_track_add(t, seq), UDP_NEW);
	for (uint64_t seq = t->next - REACH; seq < t->next; seq++)
		assert_int_equal(udp_track_add(t, seq), seq % 3 ? UDP_DUPLICATE : UDP_REORDERED);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judgements),
		cmocka_unit_test(test_long_stream_with_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
