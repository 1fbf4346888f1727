// SPDX-License-Identifier: MIT
/*
 * For tests: a process that waits MS milliseconds in each of the ways that are asked for, while its
 * parent stops it and lets it go on, so that the waits go on as restart_syscall(2). How often, and
 * where the futex is, goes to a file.
 *
 *   restart_load COUNTS MS sleep|clock|futex|poll...
 */
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint32_t word;

static int wait_once(const char *kind, int ms)
{
	struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	if (!strcmp(kind, "sleep"))
		return (int)syscall(SYS_nanosleep, &limit, NULL);
	if (!strcmp(kind, "clock"))
		return (int)syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &limit, NULL);
	if (!strcmp(kind, "futex"))
		return (int)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0) + 1;
	return strcmp(kind, "poll") ? 2 : poll(NULL, 0, ms);
}

static void child(int ms, char **kinds)
{
	int r = 0;

	prctl(PR_SET_NAME, "driver/restart");
	while (!r && *kinds)
		r = wait_once(*kinds++, ms);
	_exit(r ? 1 : 0);
}

/* Until it ends; returns its status. */
static int kick(pid_t pid, unsigned *ret_kicks)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int status = 0;

	for (;; (*ret_kicks)++) {
		nanosleep(&pause, NULL);
		kill(pid, SIGSTOP);
		if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
			return status;
		kill(pid, SIGCONT);
	}
}

int main(int argc, char **argv)
{
	unsigned kicks = 0;
	pid_t pid;
	FILE *f;
	int status;

	if (argc < 4)
		return 2;
	pid = fork();
	if (!pid)
		child(atoi(argv[2]), &argv[3]);
	status = kick(pid, &kicks);
	f = fopen(argv[1], "w");
	if (!f || status)
		return 1;
	fprintf(f, "{\"address\": \"%p\", \"kicks\": %u}\n", (void *)&word, kicks);
	return fclose(f) ? 1 : 0;
}
