// SPDX-License-Identifier: MIT
/*
 * What of the control plane can be tested without a driver: marks of living, dead and foreign
 * makers, also across a PID namespace, the layout of the driver's interface, names of features, and
 * the words for a machine without the driver.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/cleanup.h"
#include "targets/block/block_mark.h"
#include "targets/ublk/ublk_ctl.h"
#include "targets/ublk/ublk_features.h"
#include "targets/ublk/ublk_find.h"
#include "targets/ublk/ublk_io_abi.h"
#include "targets/ublk/ublk_user.h"

/* Against include/uapi/linux/ublk_cmd.h compiled for x86-64. */
static void test_abi(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct ublksrv_ctrl_cmd), 32);
	assert_int_equal(sizeof(struct ublksrv_ctrl_dev_info), 64);
	assert_int_equal(sizeof(struct ublksrv_io_cmd), 16);
	assert_int_equal(sizeof(struct ublksrv_io_desc), 24);
	assert_int_equal(offsetof(struct ublk_params, discard), 40);
	assert_int_equal(offsetof(struct ublk_params, devt), 60);
	assert_int_equal(UBLK_IOWR(UBLK_CMD_ADD_DEV), 0xc0207504);
	assert_int_equal(UBLK_IOR(UBLK_CMD_GET_FEATURES), 0x80207513);
	assert_int_equal(UBLK_IO_U(UBLK_IO_FETCH_REQ), 0xc0107520);
	assert_int_equal(ublk_desc_offset(3, 4096), 3 * 98304);
	assert_int_equal(ublk_desc_bytes(1, 4096), 4096);
	assert_int_equal(ublk_desc_bytes(1024, 4096), 24576);
	assert_int_equal(ublk_copy_offset(0, 0, 0), 0x80000000);
	assert_int_equal(ublk_copy_offset(2, 5, 512),
			 0x80000000 + (((2ull << 16) + 5) << 25) + 512);
}

static void test_features(void **state)
{
	char text[64];

	(void)state;
	ublk_features_text(UBLK_F_USER_COPY | UBLK_F_QUIESCE, false, text, sizeof(text));
	assert_string_equal(text, "user-copy quiesce");
	ublk_features_text(UBLK_F_QUIESCE | 1ull << 63, true, text, sizeof(text));
	assert_string_equal(text, "quiesce (6.16) bit-63");
	ublk_features_text(0, true, text, sizeof(text));
	assert_string_equal(text, "");
	ublk_features_text(~0ull, true, text, sizeof(text));
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

static void test_feature_table(void **state)
{
	(void)state;
	for (const struct ublk_feature *f = ublk_features; f->name; f++)
		assert_int_equal(f->bit, 1ull << (f - ublk_features));
}

static void test_mark_of_the_living(void **state)
{
	uint64_t mark = block_mark_mine();

	(void)state;
	assert_true(block_mark_is_ours(mark));
	assert_true(block_mark_maker_lives(mark));
	assert_false(block_mark_maker_lives(mark ^ 1)); /* same pid, started at another time */
	assert_false(block_mark_is_ours(BLOCK_MARK_NONE));
	assert_false(block_mark_is_ours(mark >> 1));
	assert_false(block_mark_is_ours(UINT32_MAX));
}

/* In a child that makes its mark and waits on a pipe to be let go. */
static void be_maker(uint64_t *mark, int ready, int wait)
{
	char c = 0;

	*mark = block_mark_mine();
	if (write(ready, &c, 1) == 1)
		_exit(read(wait, &c, 1) != 0);
	_exit(1);
}

/* The child is process 1 of a PID namespace when `apart`. */
static void check_maker(bool apart)
{
	uint64_t *mark = mmap(NULL, sizeof(*mark), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready[2], wait[2], status;
	pid_t outer, inner;
	char c;

	assert_ptr_not_equal(mark, MAP_FAILED);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(wait), 0);
	outer = fork();
	if (!outer) {
		close(wait[1]);
		if (apart && unshare(CLONE_NEWPID))
			_exit(77);
		inner = fork();
		if (!inner)
			be_maker(mark, ready[1], wait[0]);
		close(ready[1]);
		waitpid(inner, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) == 1) {
		assert_true(block_mark_is_ours(*mark));
		assert_true(block_mark_maker_lives(*mark));
	}
	close(wait[1]);
	assert_int_equal(waitpid(outer, &status, 0), outer);
	assert_true(WIFEXITED(status));
	close(ready[0]);
	close(wait[0]);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(block_mark_maker_lives(*mark));
	munmap(mark, sizeof(*mark));
}

static void test_maker_dies(void **state)
{
	(void)state;
	check_maker(false);
}

static void test_maker_in_namespace(void **state)
{
	(void)state;
	check_maker(true);
}

static void test_user_of(void **state)
{
	char comm[UBLK_COMM_MAX];

	(void)state;
	assert_int_equal(ublk_user_of(4000000000u, false, comm), 0);
}

static void fail_if_told(void *arg, const char *what)
{
	(void)arg;
	fail_msg("%s is told where there is no driver", what);
}

static void test_no_driver(void **state)
{
	struct ublk_ctl *ctl = NULL;
	struct err err = {""};

	(void)state;
	if (!access(UBLK_CONTROL, F_OK))
		skip();
	assert_int_equal(ublk_ctl_open(UBLK_ENCODING_AUTO, &ctl, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "no ublk driver"));
	assert_non_null(strstr(err.text, "uhbench vm"));
	assert_null(ctl);
	ublk_ctl_close(NULL);
	assert_int_equal(ublk_find_leftovers(true, fail_if_told, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_abi),	      cmocka_unit_test(test_features),
		cmocka_unit_test(test_feature_table), cmocka_unit_test(test_mark_of_the_living),
		cmocka_unit_test(test_maker_dies),    cmocka_unit_test(test_maker_in_namespace),
		cmocka_unit_test(test_user_of),	      cmocka_unit_test(test_no_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
