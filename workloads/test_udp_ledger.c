// SPDX-License-Identifier: MIT
/* The truth table: what adds up, and every way in which it does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/udp_ledger.h"
#include "workloads/udp_snmp.h"

struct row {
	const char *name;
	struct udp_counts counts;
	int64_t unaccounted;
	const char *verdict; /* a part of the error; NULL: it adds up */
};

static const struct row rows[] = {
	{"nothing at all", {.datagrams_per_buffer = 1}, 0, NULL},
	{"all delivered",
	 {.offered = 9, .sent = 9, .delivered = 9, .datagrams_per_buffer = 1},
	 0,
	 NULL},
	{"refused and dropped everywhere",
	 {.offered = 106,
	  .sent = 100,
	  .refused = {1, 2, 3},
	  .delivered = 60,
	  .socket_drops = 10,
	  .qdisc_drops = 9,
	  .qdisc_packets = 91,
	  .device_drops = 8,
	  .no_port_buffers = 13,
	  .datagrams_per_buffer = 1},
	 0,
	 NULL},
	{"reordered where order is promised",
	 {.offered = 9, .sent = 9, .delivered = 9, .reordered = 4, .datagrams_per_buffer = 1},
	 0,
	 "4 datagrams arrived behind a later one"},
	{"reordered where it may be",
	 {.offered = 9,
	  .sent = 9,
	  .delivered = 9,
	  .reordered = 4,
	  .may_reorder = true,
	  .datagrams_per_buffer = 1},
	 0,
	 NULL},
	{"one is missing",
	 {.offered = 9, .sent = 9, .delivered = 8, .datagrams_per_buffer = 1},
	 1,
	 "1 of 9 datagrams sent are missing"},
	{"one too many",
	 {.offered = 9, .sent = 8, .refused = {1}, .delivered = 9, .datagrams_per_buffer = 1},
	 -1,
	 "1 datagrams more"},
	{"an offer without an answer",
	 {.offered = 9, .sent = 8, .delivered = 8, .datagrams_per_buffer = 1},
	 0,
	 "9 offered, but 8 sent"},
	{"a duplicate",
	 {.offered = 9, .sent = 9, .delivered = 9, .duplicated = 1, .datagrams_per_buffer = 1},
	 0,
	 "1 datagrams arrived twice"},
	{"a duplicate does not stand for a missing one",
	 {.offered = 9, .sent = 9, .delivered = 8, .duplicated = 1, .datagrams_per_buffer = 1},
	 1,
	 "arrived twice"},
	{"a corrupted one",
	 {.offered = 9, .sent = 9, .delivered = 8, .corrupted = 1, .datagrams_per_buffer = 1},
	 0,
	 "1 datagrams arrived corrupted"},
	{"a stale one",
	 {.offered = 9, .sent = 9, .delivered = 8, .stale = 1, .datagrams_per_buffer = 1},
	 0,
	 "too late"},
	{"a buffer of many, lost at the device",
	 {.offered = 128,
	  .sent = 128,
	  .delivered = 64,
	  .device_drops = 1,
	  .datagrams_per_buffer = 64},
	 0,
	 NULL},
	{"more is missing than the lost buffer can hold",
	 {.offered = 128,
	  .sent = 128,
	  .delivered = 63,
	  .device_drops = 1,
	  .datagrams_per_buffer = 64},
	 1,
	 "missing"},
	{"a buffer of many, lost in the qdisc: the packets that left say how many",
	 {.offered = 192,
	  .sent = 192,
	  .delivered = 100,
	  .qdisc_drops = 1,
	  .qdisc_packets = 130,
	  .socket_drops = 30,
	  .datagrams_per_buffer = 64},
	 0,
	 NULL},
	{"a buffer of many, for no port",
	 {.offered = 128, .sent = 128, .no_port_buffers = 2, .datagrams_per_buffer = 64},
	 0,
	 NULL},
};

static void test_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < array_size(rows); i++) {
		const struct row *row = &rows[i];
		struct udp_ledger l = udp_ledger_settle(&row->counts);
		struct err err = {0};
		int r = udp_ledger_judge(&row->counts, &l, &err);

		if (l.unaccounted != row->unaccounted)
			fail_msg("%s: %lld unaccounted", row->name, (long long)l.unaccounted);
		if (r != (row->verdict ? -EBADMSG : 0) ||
		    (row->verdict && !strstr(err.text, row->verdict)))
			fail_msg("%s: judged %d (%s)", row->name, r, err.text);
	}
}

/* What is missing beside one datagram for each lost buffer is a guess, and said to be one. */
static void test_inferred(void **state)
{
	const struct udp_counts exact = {
		.sent = 9, .delivered = 5, .device_drops = 4, .datagrams_per_buffer = 1};
	const struct udp_counts guess = {.sent = 192,
					 .qdisc_packets = 130,
					 .delivered = 64,
					 .qdisc_drops = 1,
					 .device_drops = 2,
					 .socket_drops = 4,
					 .datagrams_per_buffer = 64};

	(void)state;
	assert_int_equal(udp_ledger_settle(&exact).inferred, 0);
	assert_int_equal(udp_ledger_settle(&guess).unaccounted, 0);
	assert_int_equal(udp_ledger_settle(&guess).inferred, 62 - 1 + 62 - 2);
}

/* A window's share of lost buffers is its share of the datagrams that were in them. */
static void test_dropped_in_a_window(void **state)
{
	const struct udp_counts total = {.sent = 1000,
					 .qdisc_packets = 840,
					 .delivered = 750,
					 .qdisc_drops = 10,
					 .device_drops = 5,
					 .socket_drops = 10,
					 .datagrams_per_buffer = 16};
	const struct udp_counts from = {.qdisc_drops = 3, .socket_drops = 1};
	const struct udp_counts to = {.qdisc_drops = 8, .device_drops = 1, .socket_drops = 6};
	const struct udp_counts nothing = {0};
	struct udp_ledger l = udp_ledger_settle(&total);

	(void)state;
	assert_int_equal(l.unaccounted, 0);
	assert_true(udp_ledger_dropped(&total, &l, &nothing, &total) == 250);
	assert_true(udp_ledger_dropped(&total, &l, &from, &to) == 5 * 16 + 16 + 5);
	assert_true(udp_ledger_dropped(&nothing, &l, &nothing, &nothing) == 0);
}

static void test_snmp(void **state)
{
	static const char text[] = "Icmp: InMsgs\nIcmp: 7\n"
				   "Udp: InDatagrams NoPorts InErrors RcvbufErrors\n"
				   "Udp: 1 22 0 18446744073709551615\n"
				   "UdpLite: NoPorts\nUdpLite: 5\n";
	uint64_t value = 99;

	(void)state;
	assert_int_equal(udp_snmp_parse(text, "NoPort", &value), -EBADMSG);
	assert_int_equal(udp_snmp_parse(text, "InMsgs", &value), -EBADMSG);
	assert_int_equal(udp_snmp_parse("", "NoPorts", &value), -EBADMSG);
	assert_int_equal(udp_snmp_parse("Udp: NoPorts\n", "NoPorts", &value), -EBADMSG);
	assert_int_equal(udp_snmp_parse("Udp: A NoPorts\nUdp: 1\n", "NoPorts", &value), -EBADMSG);
	assert_int_equal(value, 99);
	assert_int_equal(udp_snmp_parse(text, "NoPorts", &value), 0);
	assert_int_equal(value, 22);
	assert_int_equal(udp_snmp_parse(text, "RcvbufErrors", &value), 0);
	assert_true(value == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_inferred),
		cmocka_unit_test(test_dropped_in_a_window),
		cmocka_unit_test(test_snmp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
