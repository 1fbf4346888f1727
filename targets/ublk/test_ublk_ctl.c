// SPDX-License-Identifier: MIT
/*
 * The control plane against a real driver, with a server of its own that is as small as one can be:
 * one queue, every request is answered at once (reads are whatever the buffer holds). Runs where
 * there is a driver, which here is a virtual machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "targets/block/block_mark.h"
#include "targets/ublk/test_serve.h"
#include "targets/ublk/ublk_ctl.h"
#include "targets/ublk/ublk_find.h"

#define DEPTH	  TEST_SERVE_DEPTH
#define IO_BYTES  TEST_SERVE_IO_BYTES
#define WAIT_NS	  (20 * NSEC_PER_SEC)
#define DEV_BYTES (16u << 20)
#define SECTOR	  512

static struct err err;
static volatile bool *hold; /* see test_serve.h */
static struct ublk_ctl *ctl;

#define check(expr)                                                 \
	do {                                                        \
		int _r = (expr);                                    \
		if (_r)                                             \
			fail_msg("%s: %d %s", #expr, _r, err.text); \
	} while (0)

static void server_start(struct test_server *s)
{
	s->legacy = ublk_ctl_encoding(ctl) == UBLK_ENCODING_LEGACY;
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (!s->pid)
		_exit(test_serve(s));
}

static int server_end(struct test_server *s)
{
	int status;

	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static struct ublk_dev add(uint64_t flags)
{
	struct ublk_dev dev = {.id = UBLK_ANY_ID,
			       .queues = 1,
			       .depth = DEPTH,
			       .max_io_bytes = IO_BYTES,
			       .flags = flags};

	check(ublk_ctl_add(ctl, &dev, &err));
	return dev;
}

static void set_params(uint32_t id)
{
	struct ublk_params params = {
		.types = UBLK_PARAM_TYPE_BASIC | UBLK_PARAM_TYPE_DISCARD,
		.basic = {.attrs = UBLK_ATTR_VOLATILE_CACHE,
			  .logical_bs_shift = 9,
			  .physical_bs_shift = 12,
			  .io_opt_shift = 12,
			  .io_min_shift = 9,
			  .max_sectors = IO_BYTES / SECTOR,
			  .dev_sectors = DEV_BYTES / SECTOR},
		.discard = {.discard_granularity = 4096,
			    .max_discard_sectors = 1024,
			    .max_write_zeroes_sectors = 1024,
			    .max_discard_segments = 1},
	};

	check(ublk_ctl_set_params(ctl, id, &params, &err));
}

/* A device that is live, with its server. */
static struct test_server live_device(uint64_t flags)
{
	struct ublk_dev dev = add(flags);
	struct test_server s = {.id = dev.id, .hold = hold};

	set_params(dev.id);
	server_start(&s);
	check(ublk_ctl_start(ctl, dev.id, s.pid, WAIT_NS, &err));
	return s;
}

static bool exists(uint32_t id, bool block)
{
	char path[UBLK_PATH_MAX];

	(block ? ublk_block_path : ublk_char_path)(id, path);
	return !access(path, F_OK);
}

static int count_one(const struct ublksrv_ctrl_dev_info *info, void *arg)
{
	(void)info;
	++*(unsigned *)arg;
	return 0;
}

static unsigned devices(void)
{
	unsigned n = 0;

	check(ublk_ctl_each(ctl, count_one, &n, &err));
	return n;
}

static void test_life(void **state)
{
	struct ublksrv_ctrl_dev_info info;
	struct ublk_params params;
	struct test_server s;

	(void)state;
	s = live_device(0);
	assert_true(exists(s.id, true));
	check(ublk_ctl_info(ctl, s.id, &info, &err));
	assert_int_equal(info.state, UBLK_S_DEV_LIVE);
	assert_int_equal(info.ublksrv_pid, s.pid);
	assert_true(block_mark_is_ours(info.ublksrv_flags));
	check(ublk_ctl_get_params(ctl, s.id, &params, &err));
	assert_int_equal(params.basic.dev_sectors, DEV_BYTES / SECTOR);
	assert_int_equal(params.discard.discard_granularity, 4096);
	assert_int_equal(devices(), 1);
	check(ublk_ctl_stop(ctl, s.id, WAIT_NS, &err));
	assert_int_equal(server_end(&s), 0);
	check(ublk_ctl_del(ctl, s.id, WAIT_NS, &err));
	assert_false(exists(s.id, true));
	assert_false(exists(s.id, false));
	assert_int_equal(devices(), 0);
}

static void test_granted(void **state)
{
	struct ublk_dev dev = {.id = UBLK_ANY_ID, .queues = 4000, .depth = 1, .max_io_bytes = 5000};
	struct ublk_dev wish = {.id = UBLK_ANY_ID,
				.queues = 1,
				.depth = 1,
				.max_io_bytes = 4096,
				.flags = 1ull << 62};

	(void)state;
	check(ublk_ctl_add(ctl, &dev, &err));
	assert_in_range(dev.queues, 1, (unsigned)sysconf(_SC_NPROCESSORS_CONF));
	assert_int_equal(dev.max_io_bytes, 4096);
	check(ublk_ctl_del(ctl, dev.id, WAIT_NS, &err));
	assert_int_equal(ublk_ctl_add(ctl, &wish, &err), -EOPNOTSUPP);
	assert_string_equal(err.text, "this ublk driver does not grant bit-62");
	assert_int_equal(devices(), 0);
}

/* Every refusal names the command, the device and the reason. */
static void test_refusals(void **state)
{
	struct ublk_dev none = {.id = UBLK_ANY_ID, .queues = 0, .depth = 0};
	struct ublk_params nothing = {.types = UBLK_PARAM_TYPE_DISCARD};
	struct ublksrv_ctrl_dev_info info;
	struct ublk_dev dev = add(0), same = dev;

	(void)state;
	assert_int_equal(ublk_ctl_info(ctl, 999, &info, &err), -ENODEV);
	assert_string_equal(err.text, "ublk: GET_DEV_INFO: there is no device 999");
	assert_int_equal(ublk_ctl_add(ctl, &none, &err), -EINVAL);
	assert_non_null(strstr(err.text, "0 queues of depth 0"));
	same.flags = 0;
	assert_int_equal(ublk_ctl_add(ctl, &same, &err), -EEXIST);
	assert_int_equal(ublk_ctl_set_params(ctl, dev.id, &nothing, &err), -EINVAL);
	assert_int_equal(ublk_ctl_start_recovery(ctl, dev.id, NSEC_PER_SEC, &err), -EINVAL);
	assert_non_null(strstr(err.text, "user-recovery"));
	check(ublk_ctl_del(ctl, dev.id, WAIT_NS, &err));
	assert_int_equal(ublk_ctl_del(ctl, dev.id, WAIT_NS, &err), -ENODEV);
}

/* Without a server START_DEV waits for ever: it is called back, and all goes on. */
static void test_start_without_server(void **state)
{
	struct ublk_dev dev = add(0);
	uint64_t began = nsec_now();

	(void)state;
	set_params(dev.id);
	assert_int_equal(ublk_ctl_start(ctl, dev.id, getpid(), NSEC_PER_SEC / 2, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "START_DEV"));
	assert_in_range(nsec_now() - began, NSEC_PER_SEC / 2, 3 * NSEC_PER_SEC);
	check(ublk_ctl_del(ctl, dev.id, WAIT_NS, &err));
}

/* A descriptor that stays open: the caller is told whose it is, and the device goes with it. */
static void test_del_while_open(void **state)
{
	struct test_server s = live_device(0);
	char path[UBLK_PATH_MAX];
	int fd;

	(void)state;
	ublk_block_path(s.id, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ublk_ctl_del(ctl, s.id, 2 * NSEC_PER_SEC, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "test_ublk_ctl"));
	assert_int_equal(server_end(&s), 0);
	close(fd);
	assert_false(exists(s.id, false));
	assert_int_equal(devices(), 0);
}

/* Reads the first bytes of the device in a child; its exit code is 0 or the errno. */
static pid_t reader(uint32_t id)
{
	char path[UBLK_PATH_MAX];
	pid_t pid = fork();
	void *buf;
	int fd;

	if (pid)
		return pid;
	ublk_block_path(id, path);
	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0 || posix_memalign(&buf, 4096, 4096))
		_exit(255);
	_exit(pread(fd, buf, 4096, 1 << 20) == 4096 ? 0 : errno);
}

static int exit_code(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* With all of a queue's commands in the server's hands when it dies, the driver gives them back
 * only when blk-mq asks after them, which is after 30 s unless ublk_ctl_start made it sooner. */
static void kill_in_flight(int readers)
{
	struct test_server s = live_device(0);
	uint64_t began = nsec_now();
	pid_t pids[DEPTH];

	*hold = true;
	for (int i = 0; i < readers; i++)
		pids[i] = reader(s.id);
	nsec_sleep_until(nsec_now() + NSEC_PER_SEC / 5);
	kill(s.pid, SIGKILL);
	assert_int_equal(server_end(&s), -SIGKILL);
	for (int i = 0; i < readers; i++)
		assert_int_not_equal(exit_code(pids[i]), 0);
	check(ublk_ctl_del(ctl, s.id, WAIT_NS, &err));
	assert_in_range(nsec_now() - began, 0, 8 * NSEC_PER_SEC);
	assert_int_equal(devices(), 0);
}

static void test_kill_in_flight(void **state)
{
	(void)state;
	kill_in_flight(1);
}

static void test_kill_all_in_flight(void **state)
{
	(void)state;
	kill_in_flight(DEPTH);
}

static void test_recovery(void **state)
{
	struct test_server s = live_device(UBLK_F_USER_RECOVERY | UBLK_F_USER_RECOVERY_REISSUE);
	struct ublksrv_ctrl_dev_info info;
	pid_t waiting;

	(void)state;
	for (int i = 0; i < 3; i++) {
		kill(s.pid, SIGKILL);
		assert_int_equal(server_end(&s), -SIGKILL);
		waiting = reader(s.id);
		check(ublk_ctl_start_recovery(ctl, s.id, WAIT_NS, &err));
		check(ublk_ctl_info(ctl, s.id, &info, &err));
		assert_int_equal(info.state, UBLK_S_DEV_QUIESCED);
		assert_int_equal(waitpid(waiting, NULL, WNOHANG), 0);
		server_start(&s);
		check(ublk_ctl_end_recovery(ctl, s.id, s.pid, WAIT_NS, &err));
		assert_int_equal(exit_code(waiting), 0);
		check(ublk_ctl_info(ctl, s.id, &info, &err));
		assert_int_equal(info.ublksrv_pid, s.pid);
	}
	check(ublk_ctl_stop(ctl, s.id, WAIT_NS, &err));
	assert_int_equal(server_end(&s), 0);
	check(ublk_ctl_del(ctl, s.id, WAIT_NS, &err));
}

struct told {
	unsigned n;
	char last[256];
};

static void note(void *arg, const char *what)
{
	struct told *told = arg;

	told->n++;
	snprintf(told->last, sizeof(told->last), "%s", what);
}

/* Makes a device in a child that dies; returns its id. */
static uint32_t orphan(uint64_t mark, bool waits)
{
	int pipe_fds[2];
	uint32_t id = 0;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (!pid) {
		struct ublk_dev dev = {.id = UBLK_ANY_ID,
				       .queues = 1,
				       .depth = 1,
				       .max_io_bytes = 4096,
				       .flags = waits ? UBLK_F_USER_RECOVERY : 0};
		struct ublk_ctl *own;

		if (ublk_ctl_open(UBLK_ENCODING_AUTO, &own, &err) ||
		    (mark ? ublk_ctl_add(own, &dev, &err)
			  : ublk_ctl_add_marked(own, &dev, mark, &err)) ||
		    write(pipe_fds[1], &dev.id, sizeof(dev.id)) != sizeof(dev.id))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(exit_code(pid), 0);
	assert_int_equal(read(pipe_fds[0], &id, sizeof(id)), sizeof(id));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return id;
}

static void test_leftovers(void **state)
{
	uint32_t stranger = orphan(BLOCK_MARK_NONE, false), left = orphan(1, true);
	struct ublk_dev mine = add(0);
	struct test_server live = live_device(0);
	struct told told = {0};
	char expected[64];

	(void)state;
	snprintf(expected, sizeof(expected), "ublk device %u (/dev/ublkb%u, stopped)", left, left);
	assert_int_equal(ublk_find_leftovers(false, note, &told, &err), 1);
	assert_string_equal(told.last, expected);
	assert_int_equal(ublk_find_leftovers(true, note, &told, &err), 1);
	assert_string_equal(told.last, expected);
	assert_int_equal(devices(), 3);
	assert_true(exists(stranger, false));
	assert_int_equal(ublk_find_leftovers(true, note, &told, &err), 0);
	assert_int_equal(told.n, 2);
	check(ublk_ctl_del(ctl, stranger, WAIT_NS, &err));
	check(ublk_ctl_del(ctl, mine.id, WAIT_NS, &err));
	check(ublk_ctl_stop(ctl, live.id, WAIT_NS, &err));
	assert_int_equal(server_end(&live), 0);
	check(ublk_ctl_del(ctl, live.id, WAIT_NS, &err));
}

/* A stopped server (SIGSTOP) that has a request: nothing hangs but the one command, and once the
 * server is killed everything can be removed. */
static void test_deaf_server(void **state)
{
	struct test_server s = live_device(0);
	pid_t pid;

	(void)state;
	kill(s.pid, SIGSTOP);
	pid = reader(s.id);
	nsec_sleep_until(nsec_now() + NSEC_PER_SEC / 5);
	assert_int_equal(ublk_ctl_del(ctl, s.id, NSEC_PER_SEC, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "STOP_DEV"));
	kill(s.pid, SIGKILL);
	assert_int_equal(server_end(&s), -SIGKILL);
	check(ublk_ctl_del(ctl, s.id, WAIT_NS, &err));
	assert_int_not_equal(exit_code(pid), 0);
	assert_int_equal(devices(), 0);
}

static int open_ctl(void **state)
{
	*hold = false;
	enum ublk_encoding *encoding = *state;
	int r = ublk_ctl_open(*encoding, &ctl, &err);

	if (r)
		fprintf(stderr, "%s\n", err.text);
	return r;
}

static int close_ctl(void **state)
{
	(void)state;
	ublk_ctl_close(ctl);
	return 0;
}

/* "stranger" makes a device without our mark and prints its number; "remove N" removes it. */
static int tool(int argc, char **argv)
{
	struct ublk_dev dev = {
		.id = UBLK_ANY_ID, .queues = 1, .depth = 1, .max_io_bytes = IO_BYTES};
	int r = ublk_ctl_open(UBLK_ENCODING_AUTO, &ctl, &err);

	if (!r && argc == 3)
		r = ublk_ctl_del(ctl, (uint32_t)strtoul(argv[2], NULL, 10), WAIT_NS, &err);
	else if (!r && !(r = ublk_ctl_add_marked(ctl, &dev, BLOCK_MARK_NONE, &err)))
		printf("%u\n", dev.id);
	if (r)
		fprintf(stderr, "%s\n", err.text);
	ublk_ctl_close(ctl);
	return r ? 1 : 0;
}

int main(int argc, char **argv)
{
	static enum ublk_encoding encodings[] = {UBLK_ENCODING_IOCTL, UBLK_ENCODING_LEGACY};
	static void (*const bodies[])(void **) = {test_life,
						  test_granted,
						  test_refusals,
						  test_start_without_server,
						  test_del_while_open,
						  test_kill_in_flight,
						  test_kill_all_in_flight,
						  test_recovery,
						  test_leftovers,
						  test_deaf_server};
	static const char *const names[] = {"life",
					    "granted",
					    "refusals",
					    "start without server",
					    "delete while open",
					    "kill in flight",
					    "kill all in flight",
					    "recovery",
					    "leftovers",
					    "deaf server"};
	struct CMUnitTest tests[2 * array_size(bodies)];

	if (argc > 1)
		return tool(argc, argv);
	hold = mmap(NULL, sizeof(*hold), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (hold == MAP_FAILED)
		return 1;
	if (access(UBLK_CONTROL, F_OK)) {
		fprintf(stderr, "no ublk driver\n");
		return 77;
	}
	for (size_t i = 0; i < array_size(tests); i++)
		tests[i] = (struct CMUnitTest){.name = names[i / 2],
					       .test_func = bodies[i / 2],
					       .setup_func = open_ctl,
					       .teardown_func = close_ctl,
					       .initial_state = &encodings[i % 2]};
	return _cmocka_run_group_tests("ublk_ctl", tests, array_size(tests), NULL, NULL);
}
