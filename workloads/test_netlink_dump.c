// SPDX-License-Identifier: MIT
/* The reader of dumps against answers made by hand: good ones in any cut, and each doctored one
 * must end as the table in netlink_dump.h says. */
#include <errno.h>
#include <linux/sock_diag.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "workloads/netlink_dump.h"

#define SEQ 7u
#define N   20u

static const struct netlink_config config = {.sockets = N};

struct answer {
	_Alignas(8) char bytes[64 * 1024];
	size_t len;
};

/* The header of the message that was put last, to be doctored. */
static struct nlmsghdr *put(struct answer *a, uint16_t type, uint32_t seq, const void *data,
			    size_t len)
{
	struct nlmsghdr *header = (void *)(a->bytes + a->len);

	*header = (struct nlmsghdr){
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(len), .nlmsg_type = type, .nlmsg_seq = seq};
	memcpy(NLMSG_DATA(header), data, len);
	a->len += NLMSG_SPACE(len);
	return header;
}

static struct nlmsghdr *put_record(struct answer *a, uint64_t i)
{
	struct netlink_key key = netlink_set_socket(&config, i);
	struct inet_diag_msg msg = {.idiag_family = key.family, .idiag_state = key.state};

	memcpy(&msg.id, &key.sport, sizeof(key) - 4);
	msg.id.idiag_cookie[0] = (uint32_t)i; /* differs from socket to socket, must not matter */
	return put(a, SOCK_DIAG_BY_FAMILY, SEQ, &msg, sizeof(msg));
}

static struct nlmsghdr *put_code(struct answer *a, uint16_t type, int32_t code)
{
	return put(a, type, SEQ, &code, sizeof(code));
}

static void put_dump(struct answer *a)
{
	for (uint64_t i = 0; i < N; i++)
		put_record(a, i);
	put_code(a, NLMSG_DONE, 0);
}

static void begin(struct netlink_dump *dump)
{
	netlink_dump_init(dump, &config);
	netlink_dump_begin(dump, SEQ);
}

static void assert_is_expected(const struct netlink_dump *dump)
{
	struct netlink_set set;

	assert_int_equal(netlink_set_expect(&config, &set), 0);
	assert_memory_equal(&dump->print, &set.print, sizeof(set.print));
	netlink_set_free(&set);
}

static void test_a_whole_dump(void **state)
{
	struct netlink_key keys[N];
	struct answer a = {0};
	struct netlink_dump dump;

	(void)state;
	put_dump(&a);
	begin(&dump);
	dump.keys = keys;
	dump.keys_max = N - 1; /* one too few: must not be written beyond */
	memset(&keys[N - 1], 0xee, sizeof(keys[0]));
	assert_int_equal(netlink_dump_consume(&dump, a.bytes, a.len, 0), NETLINK_END);
	assert_int_equal(dump.result, a.len);
	assert_int_equal(dump.messages, 1);
	assert_int_equal(((unsigned char *)&keys[N - 1])[0], 0xee);
	assert_is_expected(&dump);
}

static void test_a_dump_in_pieces(void **state)
{
	struct netlink_dump dump;

	(void)state;
	begin(&dump);
	for (uint64_t i = 0; i < N; i++) {
		struct answer a = {0};

		put_record(&a, i);
		assert_int_equal(netlink_dump_consume(&dump, a.bytes, a.len, 0), NETLINK_MORE);
	}
	{
		struct answer a = {0};

		put_code(&a, NLMSG_DONE, 0);
		assert_int_equal(netlink_dump_consume(&dump, a.bytes, a.len, 0), NETLINK_END);
		assert_is_expected(&dump);
		assert_int_equal(netlink_dump_consume(&dump, a.bytes, a.len, 0), NETLINK_END);
		assert_int_equal(dump.result, -EBADMSG); /* a second end */
	}
}

static void test_late_messages_are_no_records(void **state)
{
	struct answer a = {0};
	struct netlink_dump dump;

	(void)state;
	put_record(&a, 3)->nlmsg_seq = SEQ - 1;
	put_code(&a, NLMSG_DONE, 0)->nlmsg_seq = SEQ - 1;
	put_dump(&a);
	begin(&dump);
	assert_int_equal(netlink_dump_consume(&dump, a.bytes, a.len, 0), NETLINK_END);
	assert_true(dump.result > 0);
	assert_int_equal(dump.stale, 2);
	assert_is_expected(&dump);
}

static void short_record(struct answer *a)
{
	char none[8] = {0};

	put(a, SOCK_DIAG_BY_FAMILY, SEQ, none, sizeof(none));
}

static void length_beyond_buffer(struct answer *a)
{
	put_record(a, 0)->nlmsg_len += 1;
}

static void length_below_header(struct answer *a)
{
	put_record(a, 0)->nlmsg_len = sizeof(struct nlmsghdr) - 1;
}

static void length_zero(struct answer *a)
{
	put_record(a, 0)->nlmsg_len = 0;
}

static void half_a_header(struct answer *a)
{
	put_dump(a);
	a->len = sizeof(struct nlmsghdr) - 4;
}

static void done_without_code(struct answer *a)
{
	put(a, NLMSG_DONE, SEQ, "", 0);
}

static void done_with_errno(struct answer *a)
{
	put_record(a, 0);
	put_code(a, NLMSG_DONE, -ENOMEM);
}

static void error_eperm(struct answer *a)
{
	put_code(a, NLMSG_ERROR, -EPERM);
}

static void acknowledgement(struct answer *a)
{
	put_code(a, NLMSG_ERROR, 0);
}

static void overrun(struct answer *a)
{
	put(a, NLMSG_OVERRUN, SEQ, "", 0);
}

static void other_type(struct answer *a)
{
	put_record(a, 0)->nlmsg_type = 1234;
}

static void record_after_done(struct answer *a)
{
	put_dump(a);
	put_record(a, 0);
}

static void interrupted(struct answer *a)
{
	put_record(a, 0)->nlmsg_flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
	put_dump(a);
}

static void test_doctored_answers(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct answer *a);
		int msg_flags;
		int result;
	} rows[] = {
		{"MSG_TRUNC", put_dump, MSG_TRUNC, -EMSGSIZE},
		{"short record", short_record, 0, -EBADMSG},
		{"length beyond the buffer", length_beyond_buffer, 0, -EBADMSG},
		{"length below a header", length_below_header, 0, -EBADMSG},
		{"length zero", length_zero, 0, -EBADMSG},
		{"half a header", half_a_header, 0, -EBADMSG},
		{"done without code", done_without_code, 0, -EBADMSG},
		{"done with errno", done_with_errno, 0, -ENOMEM},
		{"error", error_eperm, 0, -EPERM},
		{"acknowledgement", acknowledgement, 0, -EBADMSG},
		{"overrun", overrun, 0, -ENOBUFS},
		{"other type", other_type, 0, -EBADMSG},
		{"record after done", record_after_done, 0, -EBADMSG},
		{"interrupted", interrupted, 0, -EINTR},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct answer a = {0};
		struct netlink_dump dump;

		rows[i].make(&a);
		begin(&dump);
		if (netlink_dump_consume(&dump, a.bytes, a.len, rows[i].msg_flags) != NETLINK_END ||
		    dump.result != rows[i].result)
			fail_msg("%s: result %d, expected %d", rows[i].name, dump.result,
				 rows[i].result);
		if (dump.result == -EBADMSG && !dump.why)
			fail_msg("%s: no reason given", rows[i].name);
	}
}

/* Any prefix of a good answer, and any one altered byte, must be read within its bounds (the
 * sanitizer builds see to that) and must never pass for the whole set unless it is one. */
static void test_every_cut_and_every_flip(void **state)
{
	struct netlink_dump whole, dump;
	struct answer good = {0};

	(void)state;
	put_dump(&good);
	begin(&whole);
	netlink_dump_consume(&whole, good.bytes, good.len, 0);
	for (size_t cut = 0; cut < good.len; cut++) {
		char *copy = malloc(cut ? cut : 1);

		memcpy(copy, good.bytes, cut);
		begin(&dump);
		if (netlink_dump_consume(&dump, copy, cut, 0) == NETLINK_END)
			assert_true(dump.result < 0);
		free(copy);
	}
	for (size_t at = 0; at < good.len; at++) {
		const size_t in_record = at % NLMSG_SPACE(sizeof(struct inet_diag_msg));
		struct answer bad = good;

		bad.bytes[at] ^= 0x41;
		begin(&dump);
		if (netlink_dump_consume(&dump, bad.bytes, bad.len, 0) != NETLINK_END ||
		    dump.result < 0 || dump.stale)
			continue;
		/* What remains are bytes that carry no identity, or a fingerprint that changed. */
		if (memcmp(&dump.print, &whole.print, sizeof(dump.print)) == 0)
			assert_true(in_record < sizeof(struct nlmsghdr) || /* flags, port id */
				    in_record == 18 || in_record == 19 ||  /* timer, retrans */
				    in_record >= 56);			   /* from idiag_if on */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_dump),
		cmocka_unit_test(test_a_dump_in_pieces),
		cmocka_unit_test(test_late_messages_are_no_records),
		cmocka_unit_test(test_doctored_answers),
		cmocka_unit_test(test_every_cut_and_every_flip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
