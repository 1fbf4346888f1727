// SPDX-License-Identifier: MIT
/*
 * The protocol from a client's side, byte by byte, over a server that runs as it does for an
 * emulator; and clients that do not keep to it.
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/vm/nbd_server.h"

#define BYTES (1u << 20)

static char disk[BYTES];
static int flushes, fuas, fail_next;

static int failing(void)
{
	int r = fail_next;

	fail_next = 0;
	return r;
}

static int disk_read(void *arg, void *buf, size_t len, uint64_t at)
{
	(void)arg;
	memcpy(buf, disk + at, len);
	return failing();
}

static int disk_write(void *arg, const void *buf, size_t len, uint64_t at, bool fua)
{
	(void)arg;
	memcpy(disk + at, buf, len);
	fuas += fua;
	return failing();
}

static int disk_zero(void *arg, size_t len, uint64_t at, bool fua)
{
	(void)arg;
	memset(disk + at, 0, len);
	fuas += fua;
	return failing();
}

static int disk_flush(void *arg)
{
	(void)arg;
	flushes++;
	return failing();
}

static const struct nbd_export export = {.bytes = BYTES,
					 .read = disk_read,
					 .write = disk_write,
					 .zero = disk_zero,
					 .flush = disk_flush};

static struct nbd_server *server;

static int start(void **state)
{
	struct err err;

	(void)state;
	memset(disk, 0, sizeof(disk));
	flushes = fuas = fail_next = 0;
	return nbd_server_start(&export, &server, &err);
}

static int connect_to(void)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	size_t len = strlen(nbd_server_name(server));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(where.sun_path + 1, nbd_server_name(server), len);
	assert_int_equal(connect(fd, (struct sockaddr *)&where,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)),
			 0);
	return fd;
}

static void say(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static void hear(int fd, void *data, size_t len)
{
	assert_int_equal(recv(fd, data, len, MSG_WAITALL), len);
}

static void say32(int fd, uint32_t v)
{
	v = htobe32(v);
	say(fd, &v, sizeof(v));
}

static void say64(int fd, uint64_t v)
{
	v = htobe64(v);
	say(fd, &v, sizeof(v));
}

static uint64_t hear_number(int fd, size_t len)
{
	unsigned char bytes[8];
	uint64_t v = 0;

	hear(fd, bytes, len);
	for (size_t i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	return v;
}

/* The server has closed the connection. */
static void assert_closed(int fd)
{
	char byte;

	assert_true(recv(fd, &byte, 1, 0) <= 0);
	close(fd);
}

static int greet(uint32_t flags)
{
	int fd = connect_to();

	assert_int_equal(hear_number(fd, 8), 0x4e42444d41474943ull);
	assert_int_equal(hear_number(fd, 8), 0x49484156454f5054ull);
	assert_int_equal(hear_number(fd, 2), 3);
	say32(fd, flags);
	return fd;
}

static void option(int fd, uint32_t number, const void *data, uint32_t len)
{
	say64(fd, 0x49484156454f5054ull);
	say32(fd, number);
	say32(fd, len);
	if (len)
		say(fd, data, len);
}

static void hear_reply(int fd, uint32_t number, uint32_t type, uint32_t len)
{
	assert_int_equal(hear_number(fd, 8), 0x0003e889045565a9ull);
	assert_int_equal(hear_number(fd, 4), number);
	assert_int_equal(hear_number(fd, 4), type);
	assert_int_equal(hear_number(fd, 4), len);
}

/* What answers INFO and GO. */
static void hear_export(int fd, uint32_t number)
{
	hear_reply(fd, number, 3, 12);
	assert_int_equal(hear_number(fd, 2), 0);
	assert_int_equal(hear_number(fd, 8), BYTES);
	assert_int_equal(hear_number(fd, 2), 1 | 4 | 8 | 64);
	hear_reply(fd, number, 3, 14);
	assert_int_equal(hear_number(fd, 2), 3);
	assert_int_equal(hear_number(fd, 4), 512);
	assert_int_equal(hear_number(fd, 4), 4096);
	assert_int_equal(hear_number(fd, 4), 32 << 20);
	hear_reply(fd, number, 1, 0);
}

static int go(void)
{
	int fd = greet(3);

	option(fd, 7, "\0\0\0\0\0\0", 6);
	hear_export(fd, 7);
	return fd;
}

static void ask(int fd, uint16_t flags, uint16_t type, uint64_t at, uint32_t len)
{
	uint16_t words[] = {htobe16(flags), htobe16(type)};

	say32(fd, 0x25609513);
	say(fd, words, sizeof(words));
	say64(fd, 0xfeedface00112233ull);
	say64(fd, at);
	say32(fd, len);
}

static unsigned answer(int fd)
{
	unsigned error;

	assert_int_equal(hear_number(fd, 4), 0x67446698);
	error = (unsigned)hear_number(fd, 4);
	assert_int_equal(hear_number(fd, 8), 0xfeedface00112233ull);
	return error;
}

static void stop(int expect, const char *says)
{
	struct err err = {""};

	assert_int_equal(nbd_server_stop(server, &err), expect);
	if (says && !strstr(err.text, says))
		fail_msg("%s", err.text);
}

static void test_negotiation(void **state)
{
	int fd = greet(3);

	(void)state;
	option(fd, 8, NULL, 0); /* structured replies: not here */
	hear_reply(fd, 8, 1u << 31 | 1, 0);
	option(fd, 3, NULL, 0); /* a list */
	hear_reply(fd, 3, 1u << 31 | 1, 0);
	option(fd, 7, "\0\0\0\x09", 4); /* a name that is not there */
	hear_reply(fd, 7, 1u << 31 | 3, 0);
	option(fd, 7, "\0\0\0\0\0\2\0\3", 8); /* two requests announced, one there */
	hear_reply(fd, 7, 1u << 31 | 3, 0);
	option(fd, 6, "\0\0\0\4name\0\1\0\3", 12);
	hear_export(fd, 6);
	option(fd, 7, "\0\0\0\4name\0\1\0\3", 12);
	hear_export(fd, 7);
	ask(fd, 0, 2, 0, 0);
	assert_closed(fd);
	fd = greet(3);
	option(fd, 2, NULL, 0);
	hear_reply(fd, 2, 1, 0);
	assert_closed(fd);
	stop(0, NULL);
}

static void test_the_old_way_to_begin(void **state)
{
	char zeroes[124];

	(void)state;
	for (uint32_t no_zeroes = 0; no_zeroes <= 2; no_zeroes += 2) {
		int fd = greet(1 | no_zeroes);

		option(fd, 1, "x", 1);
		assert_int_equal(hear_number(fd, 8), BYTES);
		assert_int_equal(hear_number(fd, 2), 1 | 4 | 8 | 64);
		if (!no_zeroes)
			hear(fd, zeroes, sizeof(zeroes));
		ask(fd, 0, 3, 0, 0);
		assert_int_equal(answer(fd), 0);
		close(fd);
	}
	assert_int_equal(flushes, 2);
	stop(0, NULL);
}

static void test_transmission(void **state)
{
	char buf[4096];
	int fd = go();

	(void)state;
	memset(buf, 'a', sizeof(buf));
	ask(fd, 0, 1, 8192, sizeof(buf));
	say(fd, buf, sizeof(buf));
	assert_int_equal(answer(fd), 0);
	assert_int_equal(disk[8192 + 4095], 'a');
	assert_int_equal(fuas, 0);
	ask(fd, 1, 1, 0, 512);
	say(fd, buf, 512);
	assert_int_equal(answer(fd), 0);
	assert_int_equal(fuas, 1);
	ask(fd, 0, 3, 0, 0);
	assert_int_equal(answer(fd), 0);
	assert_int_equal(flushes, 1);
	ask(fd, 0, 0, 8192 - 512, 1024);
	assert_int_equal(answer(fd), 0);
	hear(fd, buf, 1024);
	assert_int_equal(buf[511], 0);
	assert_int_equal(buf[512], 'a');
	ask(fd, 1 | 2, 6, 8192, 1024);
	assert_int_equal(answer(fd), 0);
	assert_int_equal(disk[8192 + 1023], 0);
	assert_int_equal(disk[8192 + 1024], 'a');
	assert_int_equal(fuas, 2);
	close(fd);
	stop(0, NULL);
}

/* Each is answered, and the connection goes on. */
static void test_requests_that_are_refused(void **state)
{
	static const struct {
		uint16_t flags, type;
		uint64_t at;
		uint32_t len;
	} rows[] = {
		{0, 0, BYTES, 512},  {0, 0, BYTES - 512, 1024},
		{0, 0, 1, 512},	     {0, 0, 0, 100},
		{0, 0, 0, 0},	     {0, 0, UINT64_MAX - 511, 512},
		{0, 6, BYTES, 4096}, {0, 4, 0, 512},
		{0, 77, 0, 512},     {2, 0, 0, 512},
		{0, 3, 0, 512},	     {0, 3, 512, 0},
		{0, 0, 0, 64 << 20},
	};
	int fd = go();
	char byte[512] = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		ask(fd, rows[i].flags, rows[i].type, rows[i].at, rows[i].len);
		if (answer(fd) != EINVAL)
			fail_msg("row %zu", i);
	}
	ask(fd, 0, 1, BYTES, 512); /* its data is taken all the same */
	say(fd, byte, 512);
	assert_int_equal(answer(fd), EINVAL);
	ask(fd, 0, 3, 0, 0);
	assert_int_equal(answer(fd), 0);
	close(fd);
	stop(0, NULL);
}

static void test_errors_of_the_disk_are_answers(void **state)
{
	static const int rows[][2] = {
		{-EIO, EIO}, {-ENOSPC, ENOSPC}, {-EBADF, EIO}, {-ENOMEM, ENOMEM}};
	int fd = go();

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		fail_next = rows[i][0];
		ask(fd, 0, 0, 0, 512);
		assert_int_equal(answer(fd), rows[i][1]);
	}
	close(fd);
	stop(0, NULL);
}

/* What was not said to the end never happened. */
static void test_a_client_that_leaves_in_the_middle(void **state)
{
	char buf[4096];
	int fd = go();

	(void)state;
	memset(buf, 'a', sizeof(buf));
	ask(fd, 0, 1, 0, sizeof(buf));
	say(fd, buf, 1000);
	close(fd);
	fd = go(); /* served when the first one is done with */
	ask(fd, 0, 0, 0, sizeof(buf));
	assert_int_equal(answer(fd), 0);
	hear(fd, buf, sizeof(buf));
	assert_int_equal(buf[0], 0);
	stop(0, NULL);
	close(fd);
}

static void broken_flags(void)
{
	assert_closed(greet(4));
}

static void broken_option(void)
{
	int fd = greet(3);

	say64(fd, 0x1122334455667788ull);
	say64(fd, 0);
	assert_closed(fd);
}

static void broken_option_size(void)
{
	int fd = greet(3);

	say64(fd, 0x49484156454f5054ull);
	say32(fd, 7);
	say32(fd, 1u << 30);
	assert_closed(fd);
}

static void broken_request(void)
{
	char zeros[28] = {0};
	int fd = go();

	say(fd, zeros, sizeof(zeros));
	assert_closed(fd);
}

static void broken_write(void)
{
	int fd = go();

	ask(fd, 0, 1, 0, 64 << 20);
	assert_closed(fd);
}

static void test_clients_that_break_the_protocol(void **state)
{
	static const struct {
		void (*client)(void);
		const char *says;
	} rows[] = {{broken_flags, "client flags 0x4"},
		    {broken_option, "an option that is none"},
		    {broken_option_size, "an option that is none"},
		    {broken_request, "wrong magic"},
		    {broken_write, "a write of 67108864 bytes"}};

	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(start(state), 0);
		rows[i].client();
		close(go()); /* the next one is served */
		stop(-EPROTO, rows[i].says);
	}
}

static void test_stop_while_a_client_waits(void **state)
{
	int fd = go();

	(void)state;
	stop(0, NULL);
	assert_closed(fd);
	assert_int_equal(nbd_server_stop(NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_negotiation, start),
		cmocka_unit_test_setup(test_the_old_way_to_begin, start),
		cmocka_unit_test_setup(test_transmission, start),
		cmocka_unit_test_setup(test_requests_that_are_refused, start),
		cmocka_unit_test_setup(test_errors_of_the_disk_are_answers, start),
		cmocka_unit_test_setup(test_a_client_that_leaves_in_the_middle, start),
		cmocka_unit_test(test_clients_that_break_the_protocol),
		cmocka_unit_test_setup(test_stop_while_a_client_waits, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
