// SPDX-License-Identifier: MIT
/* A child and its grandchild that wait in known system calls are found and described. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/session/stall.h"
#include "harness/util/cleanup.h"

static void sleeper(const char *name, int ready_fd)
{
	prctl(PR_SET_NAME, name);
	if (write(ready_fd, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static const cJSON *find(const cJSON *stall, const char *name)
{
	const cJSON *t;

	cJSON_ArrayForEach (t, stall)
		if (!strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(t, "name")), name))
			return t;
	return NULL;
}

static void finds_descendants_and_what_they_wait_in(void **state)
{
	_cleanup_json_ cJSON *stall = NULL;
	const cJSON *driver;
	char c[2], text[300];
	pid_t middle;
	int p[2];
	size_t n = 0;

	(void)state;
	assert_int_equal(pipe(p), 0);
	middle = fork();
	if (!middle) {
		pid_t leaf = fork();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!leaf) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sleeper("driver/0", p[1]);
		}
		sleeper("target/7", p[1]);
	}
	while (n < 2) {
		ssize_t got = read(p[0], c, 2 - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	/* Both have written; a moment more and they are in pause(): look until they are. */
	for (int i = 0; i < 1000; i++) {
		cJSON_Delete(stall);
		stall = stall_describe(getpid());
		driver = find(stall, "driver/0");
		if (driver &&
		    !strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(driver, "syscall")),
			    "pause") &&
		    strcmp(cJSON_GetStringValue(
				   cJSON_GetObjectItem(find(stall, "target/7"), "syscall")),
			   "write"))
			break;
		usleep(1000);
	}
	assert_non_null(driver);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(driver, "role")), "driver");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(driver, "state")), "S");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(driver, "syscall")), "pause");
	stall_summary(stall, text, sizeof(text));
	assert_non_null(strstr(text, "driver/0 in pause"));
	kill(middle, SIGKILL);
	waitpid(middle, NULL, 0);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_descendants_and_what_they_wait_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
