// SPDX-License-Identifier: MIT
/*
 * Processes in a role: named, placed, accounted with their threads, ended; and what becomes of one
 * that cannot start or that ends by itself.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/drive/procstat.h"
#include "harness/drive/roles.h"
#include "harness/run.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define LONG_NS (10 * NSEC_PER_SEC)

struct shared {
	char comm[16];
	int cpus;
	_Atomic int spinning;
};

struct bench {
	struct cell cell;
	struct run run;
	struct shared *shared; /* with the process */
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->shared = mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->shared == MAP_FAILED)
		return -1;
	b->run.cell = &b->cell;
	b->run.axes = &b->cell.axes;
	b->run.roles = roles_new();
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	munmap(b->shared, sizeof(*b->shared));
	roles_free(b->run.roles);
	free(b);
	return 0;
}

static int look_at_self(void *arg)
{
	struct bench *b = arg;
	cpu_set_t set;

	prctl(PR_GET_NAME, b->shared->comm);
	sched_getaffinity(0, sizeof(set), &set);
	b->shared->cpus = CPU_COUNT(&set);
	return 7;
}

static void a_process_is_what_its_role_says(void **state)
{
	struct bench *b = *state;
	pid_t pid;
	int status;

	strcpy(b->cell.axes.cpus[ROLE_TARGET], "0");
	assert_int_equal(role_process_start(&b->run, ROLE_TARGET, look_at_self, b, &pid), 0);
	status = role_process_end(pid, LONG_NS);
	/* Its own end and our SIGTERM are in a race, and either may win. */
	assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 7) ||
		    (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
	assert_int_equal(role_process_start(&b->run, ROLE_TARGET, look_at_self, b, &pid), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_string_equal(b->shared->comm, "target/1");
	assert_int_equal(b->shared->cpus, 1);
	assert_int_equal(role_process_end(pid, 0), -ESRCH);
}

static void *spin(void *arg)
{
	struct bench *b = arg;

	b->shared->spinning++;
	for (;;)
		__asm__ volatile("" ::: "memory");
	return NULL;
}

/* One of its two threads spins, neither would ever end. */
static int serve(void *arg)
{
	struct bench *b = arg;
	pthread_t thread;

	if (role_thread_start(&b->run, ROLE_SINK, &thread, spin, b))
		return 1;
	for (;;)
		pause();
}

static void its_threads_are_accounted_by_their_roles(void **state)
{
	struct bench *b = *state;
	struct procstat *p = NULL;
	struct err err = {""};
	_cleanup_json_ cJSON *usage = NULL;
	const cJSON *sink;
	pid_t pid;
	int status;

	assert_int_equal(role_process_start(&b->run, ROLE_TARGET, serve, b, &pid), 0);
	while (!b->shared->spinning)
		sched_yield();
	assert_int_equal(procstat_begin(b->run.roles, &p, &err), 0);
	for (uint64_t end = nsec_now() + 100 * NSEC_PER_MSEC; nsec_now() < end;)
		sched_yield();
	assert_int_equal(procstat_end(p, &err), 0);
	usage = procstat_usage(p, b->run.roles);
	sink = cJSON_GetObjectItem(usage, "sink");
	assert_non_null(cJSON_GetObjectItem(usage, "target"));
	assert_non_null(sink);
	assert_int_equal(cJSON_GetObjectItem(sink, "threads")->valueint, 1);
	assert_true(cJSON_GetObjectItem(sink, "cpu_ns")->valuedouble > 1e6);
	assert_true(procstat_cpu_ns(p) >=
		    (uint64_t)cJSON_GetObjectItem(sink, "cpu_ns")->valuedouble);
	procstat_free(p);
	status = role_process_end(pid, LONG_NS);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static int ignore_and_spin(void *arg)
{
	signal(SIGTERM, SIG_IGN);
	spin(arg);
	return 0;
}

static void one_that_does_not_listen_is_killed(void **state)
{
	struct bench *b = *state;
	pid_t pid;
	int status;

	assert_int_equal(role_process_start(&b->run, ROLE_TARGET, ignore_and_spin, b, &pid), 0);
	while (!b->shared->spinning)
		sched_yield();
	status = role_process_end(pid, 10 * NSEC_PER_MSEC);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void cpus_that_are_not_there_are_named(void **state)
{
	struct bench *b = *state;
	pid_t pid = -1;

	strcpy(b->cell.axes.cpus[ROLE_TARGET], "1023");
	assert_int_equal(role_process_start(&b->run, ROLE_TARGET, look_at_self, b, &pid), -EINVAL);
	assert_int_equal(pid, -1);
	assert_non_null(strstr(b->run.err.text, "on CPUs 1023"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_process_is_what_its_role_says, setup, teardown),
		cmocka_unit_test_setup_teardown(its_threads_are_accounted_by_their_roles, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_that_does_not_listen_is_killed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(cpus_that_are_not_there_are_named, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
