// SPDX-License-Identifier: MIT
/*
 * Two real namespaces joined by a veth pair: what rtnl.c builds must carry a datagram, what it
 * counts must be what was sent, and nothing may touch the caller's own namespace. Needs the right
 * to make namespaces: exit 77 names what is missing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/netns.h"
#include "harness/util/rtnl.h"

#define PORT	  4000
#define DATAGRAMS 10

struct pair {
	int netns_fd;
	struct rtnl *here, *there;
	struct rtnl_veth_end near, far;
	struct in_addr near_addr, far_addr;
};

static ino_t self_ino(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

static void pair_make(struct pair *p)
{
	struct err err = {0};

	*p = (struct pair){.near = {"near", {2, 0, 0, 0, 0, 1}, 0},
			   .far = {"far", {2, 0, 0, 0, 0, 2}, 0},
			   .near_addr.s_addr = inet_addr("10.1.2.1"),
			   .far_addr.s_addr = inet_addr("10.1.2.2")};
	assert_int_equal(netns_enter_new(&err), 0);
	assert_int_equal(netns_new_fd(&p->netns_fd, &err), 0);
	assert_int_equal(rtnl_open(&p->here, &err), 0);
	assert_int_equal(netns_rtnl(p->netns_fd, &p->there, &err), 0);
	if (rtnl_veth_add(p->here, p->there, p->netns_fd, 1500, &p->near, &p->far, &err))
		fail_msg("%s", err.text);
	assert_int_equal(rtnl_link_quiet_ipv6(p->here, p->near.ifindex, &err), 0);
	assert_int_equal(rtnl_link_quiet_ipv6(p->there, p->far.ifindex, &err), 0);
	assert_int_equal(rtnl_addr_add(p->here, p->near.ifindex, p->near_addr, 30, &err), 0);
	assert_int_equal(rtnl_addr_add(p->there, p->far.ifindex, p->far_addr, 30, &err), 0);
	assert_int_equal(rtnl_link_up(p->there, p->far.ifindex, &err), 0);
	assert_int_equal(rtnl_link_up(p->here, p->near.ifindex, &err), 0);
	assert_int_equal(rtnl_neigh_add(p->here, p->near.ifindex, p->far_addr, p->far.mac, &err),
			 0);
}

static void pair_drop(struct pair *p)
{
	rtnl_close(p->here);
	rtnl_close(p->there);
	cleanup_close(&p->netns_fd);
}

static int open_sink(void *arg, struct err *err)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct timeval limit = {.tv_sec = 5};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return err_sys(err, -errno, "sink");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	*(int *)arg = fd;
	return 0;
}

static void send_some(const struct pair *p)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = p->far_addr};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < DATAGRAMS; i++)
		assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
}

static void test_caller_stays(void **state)
{
	_cleanup_close_ int fd = -1;
	struct err err = {0};
	ino_t before = self_ino();
	struct stat st;

	(void)state;
	assert_int_equal(netns_new_fd(&fd, &err), 0);
	assert_int_equal(self_ino(), before);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_not_equal(st.st_ino, before);
}

static void test_pair_carries_and_counts(void **state)
{
	struct rtnl_device_stats near, far;
	_cleanup_close_ int sink = -1;
	struct err err = {0};
	struct pair p;
	char byte;

	(void)state;
	pair_make(&p);
	assert_int_equal(netns_call(p.netns_fd, open_sink, &sink, &err), 0);
	send_some(&p);
	for (int i = 0; i < DATAGRAMS; i++)
		assert_int_equal(recv(sink, &byte, 1, 0), 1);
	assert_int_equal(rtnl_device_stats(p.here, p.near.ifindex, &near, &err), 0);
	assert_int_equal(rtnl_device_stats(p.there, p.far.ifindex, &far, &err), 0);
	/* No neighbour discovery, no IPv6: our datagrams and nothing else. */
	assert_int_equal(near.tx_packets, DATAGRAMS);
	assert_int_equal(far.rx_packets, DATAGRAMS);
	assert_int_equal(near.tx_dropped + far.rx_dropped, 0);
	pair_drop(&p);
}

static void test_tbf_drops_are_counted(void **state)
{
	struct rtnl_qdisc_stats stats;
	_cleanup_close_ int sink = -1;
	struct err err = {0};
	struct pair p;

	(void)state;
	pair_make(&p);
	/* Frames of 43 bytes at 8 bytes a second: the burst lets two pass, 100 bytes hold two. */
	if (rtnl_tbf_add(p.here, p.near.ifindex, 8, 100, 100, &err))
		fail_msg("%s", err.text);
	assert_int_equal(netns_call(p.netns_fd, open_sink, &sink, &err), 0);
	send_some(&p);
	assert_int_equal(rtnl_qdisc_stats(p.here, p.near.ifindex, &stats, &err), 0);
	assert_int_equal(stats.packets, 2);
	assert_int_equal(stats.backlog_bytes, 2 * 43);
	assert_int_equal(stats.drops, DATAGRAMS - 4);
	assert_int_equal(rtnl_qdisc_stats(p.there, 12345, &stats, &err), -ENOENT);
	pair_drop(&p);
}

static void test_errors_have_words(void **state)
{
	struct err err = {0};
	int ifindex = 77;
	struct pair p;

	(void)state;
	pair_make(&p);
	assert_int_equal(rtnl_link_index(p.here, "nosuch0", &ifindex, &err), -ENODEV);
	assert_int_equal(ifindex, 77);
	assert_non_null(strstr(err.text, "nosuch0"));
	assert_int_equal(rtnl_link_set_mtu(p.here, p.near.ifindex, 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "minimum")); /* the kernel's words, not strerror's */
	assert_int_equal(rtnl_link_set_mtu(p.here, p.near.ifindex, 9000, &err), 0);
	pair_drop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caller_stays),
		cmocka_unit_test(test_pair_carries_and_counts),
		cmocka_unit_test(test_tbf_drops_are_counted),
		cmocka_unit_test(test_errors_have_words),
	};
	struct err err = {0};
	int fd;

	if (netns_new_fd(&fd, &err)) {
		printf("skipped: %s\n", err.text);
		return 77;
	}
	close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
