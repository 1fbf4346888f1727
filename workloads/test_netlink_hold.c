// SPDX-License-Identifier: MIT
/* Holders against the kernel: what they open is exactly what a dump shows, in one process or in
 * many, and a failure is named and leaves nothing behind. Needs a network namespace. */
#include <errno.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/netns.h"
#include "workloads/netlink_dump.h"
#include "workloads/netlink_hold.h"

/* A dump by the plainest means. */
static void take_dump(const struct netlink_config *config, struct netlink_dump *dump)
{
	static _Alignas(8) char buf[64 * 1024];
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	struct msghdr msg = {.msg_iov = &(struct iovec){buf, sizeof(buf)}, .msg_iovlen = 1};
	ssize_t n;

	assert_true(fd >= 0);
	netlink_dump_init(dump, config);
	netlink_dump_begin(dump, 1);
	n = send(fd, &dump->request, dump->request.header.nlmsg_len, 0);
	assert_int_equal(n, dump->request.header.nlmsg_len);
	do {
		n = recvmsg(fd, &msg, 0);
		assert_true(n > 0);
	} while (netlink_dump_consume(dump, buf, (size_t)n, msg.msg_flags) == NETLINK_MORE);
	if (dump->result < 0)
		fail_msg("dump: %d %s", dump->result, dump->why ? dump->why : "");
}

static void test_what_is_held_is_what_is_dumped(void **state)
{
	static const struct {
		struct netlink_config config;
		uint64_t per_process;
		unsigned processes;
	} rows[] = {
		{{.sockets = 1}, 0, 1},
		{{.sockets = 300}, 0, 1},
		{{.sockets = 300}, 100, 3},
		{{.sockets = 301}, 100, 4},
		{{.sockets = 300, .extensions = NETLINK_EXT_ALL}, 0, 1},
		{{.sockets = 300, .filter = NETLINK_FILTER_PORTS, .filter_ports = 7}, 0, 1},
		{{.sockets = 300, .state = NETLINK_TCP_CONNECTED}, 0, 1},
		{{.sockets = 300, .state = NETLINK_TCP_CONNECTED}, 50, 6},
		{{.sockets = 300,
		  .state = NETLINK_TCP_CONNECTED,
		  .filter = NETLINK_FILTER_PORTS,
		  .filter_ports = 7},
		 0,
		 1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct netlink_config *config = &rows[i].config;
		struct netlink_hold hold;
		struct netlink_set set;
		struct netlink_dump dump;
		struct err err;

		if (netlink_hold_open(config, rows[i].per_process, &hold, &err) < 0)
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(hold.n, rows[i].processes);
		assert_int_equal(netlink_set_expect(config, &set), 0);
		take_dump(config, &dump);
		if (memcmp(&dump.print, &set.print, sizeof(set.print)) != 0)
			fail_msg("row %zu: %llu records of %zu", i,
				 (unsigned long long)dump.print.records, set.n);
		netlink_set_free(&set);
		netlink_hold_close(&hold);
		take_dump(config, &dump);
		assert_int_equal(dump.print.records, 0);
	}
}

static void test_a_taken_port_is_named(void **state)
{
	const struct netlink_config config = {.sockets = 10}, two = {.sockets = 20};
	struct netlink_hold first, second = {0};
	struct netlink_dump dump;
	struct err err = {0};

	(void)state;
	assert_int_equal(netlink_hold_open(&config, 0, &first, &err), 0);
	assert_int_equal(netlink_hold_open(&two, 10, &second, &err), -EIO);
	assert_string_equal(err.text, "listening socket 127.0.0.1:10000: Address already in use");
	assert_null(second.pids);
	take_dump(&config, &dump);
	assert_int_equal(dump.print.records, 10);
	netlink_hold_close(&first);
}

/* The sockets vanish with the process that asked for them, however it dies. */
static void test_holders_die_with_their_parent(void **state)
{
	const struct netlink_config config = {.sockets = 50};
	int ready[2], status;
	struct netlink_dump dump;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct netlink_hold hold;

		if (netlink_hold_open(&config, 20, &hold, NULL) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	take_dump(&config, &dump);
	assert_int_equal(dump.print.records, 50);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* SIGKILL reaches the holders at once; that they are gone takes the scheduler a moment. */
	for (unsigned i = 0; i < 1000 && dump.print.records; i++) {
		usleep(1000);
		take_dump(&config, &dump);
	}
	assert_int_equal(dump.print.records, 0);
	close(ready[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_held_is_what_is_dumped),
		cmocka_unit_test(test_a_taken_port_is_named),
		cmocka_unit_test(test_holders_die_with_their_parent),
	};
	struct err err;

	if (netns_enter_new(&err) < 0) {
		fprintf(stderr, "skipped: %s\n", err.text);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
