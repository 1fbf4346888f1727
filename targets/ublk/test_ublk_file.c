// SPDX-License-Identifier: MIT
/* Which files the file backend takes, and what it makes of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/util/fs.h"
#include "targets/ublk/ublk_file.h"

#define SIZE (1 << 20)

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/var/tmp/uhbench-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(folder);
}

static struct ublk_config config_of(const char *name)
{
	struct ublk_config c = {.backend = UBLK_BACKEND_FILE, .bytes = SIZE, .backing.fill = true};

	snprintf(c.file, sizeof(c.file), "%s/%s", folder, name);
	return c;
}

static int try_open(const struct ublk_config *c, struct run *run)
{
	int fd = ublk_file_open(run, c);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static struct stat stat_of(const struct ublk_config *c)
{
	struct stat st;

	assert_int_equal(stat(c->file, &st), 0);
	return st;
}

static void write_file(const struct ublk_config *c, const char *text)
{
	int fd = open(c->file, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

/* Somebody else's is left as it is, unless the cell says so. */
static void test_stranger(void **state)
{
	struct ublk_config c = config_of("stranger");
	struct run run = {.err = {""}};

	(void)state;
	write_file(&c, "precious");
	assert_int_equal(try_open(&c, &run), -EEXIST);
	assert_non_null(strstr(run.err.text, "destroy"));
	assert_int_equal(stat_of(&c).st_size, 8);
	c.destroy = true;
	assert_int_equal(try_open(&c, &run), 0);
	assert_int_equal(stat_of(&c).st_size, SIZE);
}

static void test_empty(void **state)
{
	struct ublk_config c = config_of("empty");
	struct run run = {.err = {""}};

	(void)state;
	write_file(&c, "");
	assert_int_equal(try_open(&c, &run), 0);
}

static void test_no_file(void **state)
{
	struct ublk_config c = config_of("fifo");
	struct run run = {.err = {""}};

	(void)state;
	assert_int_equal(mkfifo(c.file, 0600), 0);
	c.destroy = true;
	assert_int_equal(try_open(&c, &run), -EINVAL);
}

/* What was served is served again, and no run overwrites what others may have put there. */
static void test_served(void **state)
{
	struct ublk_config c = config_of("served");
	struct run serve = {.serving = true}, run = {.serving = false};
	char mark[32];

	(void)state;
	assert_int_equal(try_open(&c, &run), 0);
	if (getxattr(c.file, "user.uhbench", mark, sizeof(mark)) < 0 && errno == EOPNOTSUPP)
		skip();
	assert_int_equal(try_open(&c, &serve), 0);
	assert_int_equal(try_open(&c, &serve), 0);
	assert_int_equal(try_open(&c, &run), -EEXIST);
	assert_non_null(strstr(run.err.text, "while it was served"));
	c.destroy = true;
	assert_int_equal(try_open(&c, &run), 0);
	c.destroy = false;
	assert_int_equal(try_open(&c, &run), 0);
}

/* A second run may go on with the file of the first, where the filesystem can tell. */
static void test_ours(void **state)
{
	struct ublk_config c = config_of("ours");
	struct run run = {.err = {""}};
	char mark[32];

	(void)state;
	assert_int_equal(try_open(&c, &run), 0);
	if (getxattr(c.file, "user.uhbench", mark, sizeof(mark)) < 0 && errno == EOPNOTSUPP)
		skip();
	assert_int_equal(try_open(&c, &run), 0);
}

static void test_fill(void **state)
{
	struct ublk_config filled = config_of("filled"), hole = config_of("hole");
	struct run run = {.err = {""}};
	char last = 0;
	int fd;

	(void)state;
	hole.backing.fill = false;
	assert_int_equal(try_open(&filled, &run), 0);
	assert_int_equal(try_open(&hole, &run), 0);
	assert_int_equal(stat_of(&filled).st_size, SIZE);
	assert_int_equal(stat_of(&hole).st_size, SIZE);
	fd = open(filled.file, O_RDONLY);
	assert_int_equal(pread(fd, &last, 1, SIZE - 1), 1);
	assert_int_not_equal(last, 0);
	close(fd);
	fd = open(hole.file, O_RDONLY);
	assert_int_equal(pread(fd, &last, 1, SIZE - 1), 1);
	assert_int_equal(last, 0);
	close(fd);
}

/* Only what is new is written. */
static void test_growing(void **state)
{
	struct ublk_config c = config_of("growing");
	struct run run = {.err = {""}};
	char text[9] = "";
	int fd;

	(void)state;
	write_file(&c, "precious");
	c.destroy = true;
	assert_int_equal(try_open(&c, &run), 0);
	fd = open(c.file, O_RDONLY);
	assert_int_equal(pread(fd, text, 8, 0), 8);
	assert_string_equal(text, "precious");
	close(fd);
	assert_int_equal(stat_of(&c).st_size, SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stranger), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_no_file),	 cmocka_unit_test(test_served),
		cmocka_unit_test(test_ours),	 cmocka_unit_test(test_fill),
		cmocka_unit_test(test_growing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
