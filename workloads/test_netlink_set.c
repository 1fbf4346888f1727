// SPDX-License-Identifier: MIT
/* The plan of sockets, its fingerprint and the exact comparison: every way in which a set can be
 * wrong must change the fingerprint and be named by the comparison. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/netlink_set.h"

#define N 100u

static struct netlink_set expect(const struct netlink_config *config)
{
	struct netlink_set set;

	assert_int_equal(netlink_set_expect(config, &set), 0);
	return set;
}

static void test_listening_sockets_are_distinct(void **state)
{
	const struct netlink_config config = {.sockets = 50000};
	struct netlink_set set = expect(&config);

	(void)state;
	assert_int_equal(set.n, 50000);
	assert_int_equal(set.print.records, 50000);
	for (size_t i = 1; i < set.n; i++)
		assert_true(memcmp(&set.keys[i - 1], &set.keys[i], sizeof(set.keys[i])) < 0);
	netlink_set_free(&set);
}

static void test_pairs_mirror_each_other(void **state)
{
	const struct netlink_config config = {.sockets = 10, .state = NETLINK_TCP_CONNECTED};

	(void)state;
	for (uint64_t i = 0; i < config.sockets; i += 2) {
		struct netlink_key client = netlink_set_socket(&config, i);
		struct netlink_key server = netlink_set_socket(&config, i + 1);

		assert_int_equal(client.state, TCP_ESTABLISHED);
		assert_int_equal(client.sport, server.dport);
		assert_int_equal(client.dport, server.sport);
		assert_int_equal(client.src[0], server.dst[0]);
		assert_int_equal(client.dst[0], server.src[0]);
	}
}

static void test_filter_keeps_the_wanted_ports(void **state)
{
	static const struct {
		uint64_t sockets, ports, kept;
		int tcp_state;
	} rows[] = {
		{1000, 10, 10, NETLINK_TCP_LISTENING},
		{50000, 10, 30, NETLINK_TCP_LISTENING}, /* three addresses */
		{5, 10, 5, NETLINK_TCP_LISTENING},
		{1000, 10, 10, NETLINK_TCP_CONNECTED}, /* the client ends only */
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct netlink_config config = {.sockets = rows[i].sockets,
						      .state = rows[i].tcp_state,
						      .filter = NETLINK_FILTER_PORTS,
						      .filter_ports = rows[i].ports};
		struct netlink_set set = expect(&config);

		assert_int_equal(set.n, rows[i].kept);
		netlink_set_free(&set);
	}
}

struct set_fault {
	const char *name;
	const char *words; /* that the comparison must say; NULL: the sets are equal */
	void (*apply)(struct netlink_key *keys, size_t *n);
};

static void no_fault(struct netlink_key *keys, size_t *n)
{
	(void)keys, (void)n;
}

static void reorder(struct netlink_key *keys, size_t *n)
{
	struct netlink_key first = keys[0];

	keys[0] = keys[*n - 1];
	keys[*n - 1] = first;
}

static void lose_first(struct netlink_key *keys, size_t *n)
{
	memmove(keys, keys + 1, --*n * sizeof(*keys));
}

static void lose_last(struct netlink_key *keys, size_t *n)
{
	(void)keys;
	--*n;
}

static void repeat_one(struct netlink_key *keys, size_t *n)
{
	keys[*n] = keys[3];
	++*n;
}

static void repeat_instead_of_another(struct netlink_key *keys, size_t *n)
{
	(void)n;
	keys[7] = keys[6];
}

static void repeat_two_instead_of_two(struct netlink_key *keys, size_t *n)
{
	(void)n;
	keys[1] = keys[0];
	keys[3] = keys[2];
}

static void add_stranger(struct netlink_key *keys, size_t *n)
{
	keys[*n] = keys[0];
	keys[*n].sport = htons(1);
	++*n;
}

static void change_state(struct netlink_key *keys, size_t *n)
{
	(void)n;
	keys[5].state = TCP_CLOSE_WAIT;
}

static void swap_ports_of_two(struct netlink_key *keys, size_t *n)
{
	(void)n;
	keys[1].dport = keys[2].sport;
	keys[2].dport = keys[1].sport;
}

static void test_every_fault_shows(void **state)
{
	static const struct set_fault faults[] = {
		{"none", NULL, no_fault},
		{"reordered", NULL, reorder},
		{"first is missing", "is missing", lose_first},
		{"last is missing", "is missing", lose_last},
		{"one is doubled", "is there twice", repeat_one},
		{"doubled and lost", "is there twice", repeat_instead_of_another},
		{"two doubled, two lost", "is there twice", repeat_two_instead_of_two},
		{"a stranger", "was never opened", add_stranger},
		{"another state", "was never opened", change_state},
		{"ports swapped", "is missing", swap_ports_of_two},
	};
	const struct netlink_config config = {.sockets = N};
	struct netlink_set set = expect(&config);

	(void)state;
	for (size_t i = 0; i < array_size(faults); i++) {
		struct netlink_key keys[N + 1];
		struct netlink_print print = {0};
		struct err err = {0};
		size_t n = N;
		int rc;

		memcpy(keys, set.keys, N * sizeof(keys[0]));
		faults[i].apply(keys, &n);
		for (size_t k = 0; k < n; k++)
			netlink_print_add(&print, &keys[k]);
		rc = netlink_set_compare(&set, keys, n, &err);
		if (!faults[i].words) {
			assert_int_equal(rc, 0);
			assert_memory_equal(&print, &set.print, sizeof(print));
			continue;
		}
		if (rc != -EBADMSG || !strstr(err.text, faults[i].words))
			fail_msg("%s: %d, \"%s\"", faults[i].name, rc, err.text);
		assert_memory_not_equal(&print, &set.print, sizeof(print));
	}
	netlink_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listening_sockets_are_distinct),
		cmocka_unit_test(test_pairs_mirror_each_other),
		cmocka_unit_test(test_filter_keeps_the_wanted_ports),
		cmocka_unit_test(test_every_fault_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
