// SPDX-License-Identifier: MIT
/*
 * Programs in a role: executed as they were asked to be, told when they cannot be, and accounted
 * with what they start, while they live or once they have ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/drive/procstat.h"
#include "harness/drive/roles.h"
#include "harness/run.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/nsec.h"
#include "harness/util/procfs.h"

struct bench {
	struct cell cell;
	struct run run;
	int out[2];
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->run.cell = &b->cell;
	b->run.axes = &b->cell.axes;
	b->run.roles = roles_new();
	*state = b;
	return pipe2(b->out, O_CLOEXEC);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	close(b->out[0]);
	cleanup_close(&b->out[1]);
	roles_free(b->run.roles);
	free(b);
	return 0;
}

static int start(struct bench *b, const char *path, const char *script, bool lasting, pid_t *pid,
		 struct err *err)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	char *envp[] = {(char *)"WORD=value", (char *)"PATH=/usr/bin:/bin", NULL};
	const struct role_program program = {.path = path,
					     .argv = argv,
					     .envp = envp,
					     .cwd = "/",
					     .out_fd = b->out[1],
					     .err_fd = b->out[1],
					     .lasting = lasting};

	return role_program_start(&b->run, ROLE_TARGET, &program, pid, err);
}

static pid_t start_sh(struct bench *b, const char *script, bool lasting)
{
	struct err err = {""};
	pid_t pid = 0;

	if (start(b, "/bin/sh", script, lasting, &pid, &err))
		fail_msg("%s", err.text);
	return pid;
}

/* All that it printed, once nobody can print any more. */
static char *output(struct bench *b)
{
	char *text = NULL;

	cleanup_close(&b->out[1]);
	assert_int_equal(fs_read_all(b->out[0], 65536, &text, NULL), 0);
	return text;
}

static void a_program_is_what_was_asked_for(void **state)
{
	struct bench *b = *state;
	_cleanup_free_ char *text = NULL;
	struct rusage usage;
	char expected[128];
	pid_t pid;

	strcpy(b->cell.axes.cpus[ROLE_TARGET], "0");
	pid = start_sh(b,
		       "pwd; echo $WORD,$HOME; echo oh >&2; ps -o sid=,pgid= -p $$ | tr -d ' \\n'; "
		       "grep -E 'Cpus_allowed_list|SigBlk' /proc/self/status | cut -f2",
		       false);
	snprintf(expected, sizeof(expected), "/\nvalue,\noh\n%d%d0000000000000000\n0\n", pid, pid);
	text = output(b);
	assert_int_equal(wait4(pid, NULL, 0, &usage), pid);
	assert_string_equal(text, expected);
}

struct starting {
	struct bench *bench;
	pid_t pid;
};

static void *start_from_cpu_0(void *arg)
{
	struct starting *s = arg;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	s->pid = start_sh(s->bench, "nproc", false);
	/* It dies with this thread. */
	waitpid(s->pid, NULL, 0);
	return NULL;
}

static void it_is_not_where_its_starter_is(void **state)
{
	struct starting s = {.bench = *state};
	_cleanup_free_ char *text = NULL;
	pthread_t thread;
	char cpus[16];
	cpu_set_t own;

	sched_getaffinity(0, sizeof(own), &own);
	assert_int_equal(pthread_create(&thread, NULL, start_from_cpu_0, &s), 0);
	pthread_join(thread, NULL);
	text = output(s.bench);
	snprintf(cpus, sizeof(cpus), "%d\n", CPU_COUNT(&own));
	assert_string_equal(text, cpus);
}

static void what_cannot_be_executed_is_told(void **state)
{
	static const struct {
		const char *path, *says;
		int code;
	} rows[] = {{"/nowhere/at/all", "executing /nowhere/at/all: No such file", -ENOENT},
		    {"/etc/passwd", "/etc/passwd: Permission denied", -ENOEXEC},
		    {"/tmp", "/tmp: Permission denied", -ENOEXEC}};
	struct bench *b = *state;
	const struct role_process *processes;

	for (size_t i = 0; i < array_size(rows); i++) {
		struct err err = {""};
		pid_t pid = -7;

		assert_int_equal(start(b, rows[i].path, "", true, &pid, &err), rows[i].code);
		assert_int_equal(strncmp(err.text, rows[i].says, strlen(rows[i].says)), 0);
		assert_int_equal(pid, -7);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left of them */
	assert_int_equal(roles_processes(b->run.roles, &processes), 0);
}

static void a_tree_is_accounted(void **state)
{
	struct bench *b = *state;
	struct procstat *p = NULL;
	_cleanup_json_ cJSON *usage = NULL, *list = NULL;
	const cJSON *target;
	struct err err = {""};
	char c;
	pid_t pid = start_sh(b, "(echo; while :; do :; done) & wait", true);

	assert_int_equal(read(b->out[0], &c, 1), 1); /* the second of them lives */
	assert_int_equal(procstat_begin(b->run.roles, &p, &err), 0);
	for (uint64_t end = nsec_now() + 200 * NSEC_PER_MSEC; nsec_now() < end;)
		sched_yield();
	assert_int_equal(procstat_end(p, &err), 0);
	usage = procstat_usage(p, b->run.roles);
	list = procstat_processes(p);
	target = cJSON_GetObjectItem(usage, "target");
	assert_non_null(target);
	assert_int_equal(cJSON_GetObjectItem(target, "threads")->valueint, 2);
	assert_true(cJSON_GetObjectItem(target, "cpu_ns")->valuedouble > 1e6);
	assert_int_equal(cJSON_GetArraySize(list), 1);
	assert_int_equal(cJSON_GetObjectItem(list->child, "threads")->valueint, 2);
	assert_true((double)procstat_cpu_ns(p) >=
		    cJSON_GetObjectItem(target, "cpu_ns")->valuedouble * 0.9);
	procstat_free(p);
	assert_int_equal(kill(-pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void programs_that_ended_are_accounted(void **state)
{
	struct bench *b = *state;
	struct procstat *p = NULL;
	_cleanup_json_ cJSON *usage = NULL;
	const cJSON *target;
	struct rusage used;
	struct err err = {""};

	/* One that ended before the window is none of it. */
	role_program_ended(&b->run, ROLE_TARGET,
			   &(struct rusage){.ru_utime = {.tv_sec = 1000}, .ru_nvcsw = 5});
	assert_int_equal(procstat_begin(b->run.roles, &p, &err), 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = start_sh(b, "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done", false);

		assert_int_equal(wait4(pid, NULL, 0, &used), pid);
		role_program_ended(&b->run, ROLE_TARGET, &used);
	}
	assert_int_equal(procstat_end(p, &err), 0);
	usage = procstat_usage(p, b->run.roles);
	target = cJSON_GetObjectItem(usage, "target");
	assert_int_equal(cJSON_GetObjectItem(target, "programs")->valueint, 3);
	assert_true(cJSON_GetObjectItem(target, "cpu_ns")->valuedouble > 1e6);
	assert_true(cJSON_GetObjectItem(target, "cpu_ns")->valuedouble < 900e9);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(target, "run_queue_ns")));
	assert_true((double)procstat_cpu_ns(p) >=
		    cJSON_GetObjectItem(target, "cpu_ns")->valuedouble);
	assert_null(cJSON_GetObjectItem(usage, "ended"));
	procstat_free(p);
}

static void our_own_id(void **state)
{
	unsigned level;

	(void)state;
	assert_int_equal(procfs_level(&level), 0);
	assert_int_equal(procfs_own_pid(getpid(), level), getpid());
	assert_int_equal(procfs_own_pid(getpid(), level + 1), 0);
	assert_int_equal(procfs_own_pid(INT_MAX, level), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_program_is_what_was_asked_for),	 TEST(it_is_not_where_its_starter_is),
		TEST(what_cannot_be_executed_is_told),	 TEST(a_tree_is_accounted),
		TEST(programs_that_ended_are_accounted), TEST(our_own_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
