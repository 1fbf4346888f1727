// SPDX-License-Identifier: MIT
/*
 * For tests: a program whose system calls are known.
 *
 *   syscalls_load THREADS COUNT
 *
 * Each of the threads makes COUNT getppid, COUNT / 2 failing dup, COUNT / 10 returns from a signal
 * handler, and 5 clock_nanosleep of 2 ms. A forked child makes COUNT getpgid.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void on_signal(int signal)
{
	(void)signal;
}

static void *load(void *arg)
{
	const struct timespec wait = {.tv_nsec = 2000000};
	int count = *(int *)arg;

	for (int i = 0; i < count; i++)
		syscall(SYS_getppid);
	for (int i = 0; i < count / 2; i++)
		syscall(SYS_dup, -1);
	for (int i = 0; i < count / 10; i++)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	for (int i = 0; i < 5; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
	return NULL;
}

static int load_child(int count)
{
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < count; i++)
			syscall(SYS_getpgid, 0);
		_exit(0);
	}
	return pid < 0 || waitpid(pid, NULL, 0) != pid;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1, count = argc > 2 ? atoi(argv[2]) : 1000;
	pthread_t ids[64];

	signal(SIGUSR1, on_signal);
	if (threads > 64)
		return 2;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, load, &count))
			return 1;
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return load_child(count);
}
