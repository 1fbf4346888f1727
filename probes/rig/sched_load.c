// SPDX-License-Identifier: MIT
/*
 * For tests: threads whose switches and waits are known. Each of them writes a line to FILE when it
 * ends: role, voluntary, involuntary (getrusage), on-CPU and run-queue time (schedstat), wall time.
 *
 *   sched_load FILE switch ROUNDS    two threads hand a byte to and fro on one CPU; others yield
 *   sched_load FILE spin MS          three threads that never block share one CPU
 *   sched_load FILE nap MS           threads that sleep and work by turns
 *   sched_load FILE many THREADS     so many threads, all there at a time
 *   sched_load FILE fork CHILDREN    children that end at once
 *   sched_load FILE exec NAPS        a thread that is not the first one becomes this program anew:
 *   sched_load FILE doze NAPS        sleeps 5 ms at a time
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY_STACK 65536

struct worker {
	const char *name;
	void (*work)(struct worker *w);
	int arg, in, out;
	pthread_t id;
};

static int report;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		abort();
}

static void hand_over(struct worker *w)
{
	char byte = 0;

	pin(0);
	prctl(PR_SET_NAME, "sink/renamed");
	for (int i = 0; i < w->arg; i++)
		if (write(w->out, &byte, 1) != 1 || read(w->in, &byte, 1) != 1)
			abort();
}

static void yield(struct worker *w)
{
	pin(1 % (int)sysconf(_SC_NPROCESSORS_ONLN));
	for (int i = 0; i < w->arg; i++)
		sched_yield();
}

static void spin_until(uint64_t end)
{
	while (now_ns() < end)
		;
}

static void spin(struct worker *w)
{
	pin(0);
	spin_until(now_ns() + (uint64_t)w->arg * 1000000);
}

static void nap(struct worker *w)
{
	const struct timespec wait = {.tv_nsec = 300000};
	uint64_t end = now_ns() + (uint64_t)w->arg * 1000000;

	while (now_ns() < end) {
		nanosleep(&wait, NULL);
		spin_until(now_ns() + 200000);
	}
}

/* As the last thing that a thread does. */
static void write_report(const char *role, uint64_t begin)
{
	unsigned long long run = 0, queue = 0;
	struct rusage u;
	char path[64], text[256];
	int fd, n;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
	fd = open(path, O_RDONLY);
	n = (int)read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	if (sscanf(text, "%llu %llu", &run, &queue) != 2)
		abort();
	close(fd);
	getrusage(RUSAGE_THREAD, &u);
	n = snprintf(text, sizeof(text), "%s %ld %ld %llu %llu %llu\n", role, u.ru_nvcsw,
		     u.ru_nivcsw, run, queue, (unsigned long long)(now_ns() - begin));
	if (write(report, text, (size_t)n) != n)
		abort();
}

static void *run(void *arg)
{
	struct worker *w = arg;
	uint64_t begin = now_ns();
	char role[16];

	snprintf(role, sizeof(role), "%.*s", (int)strcspn(w->name, "/"), w->name);
	prctl(PR_SET_NAME, w->name);
	w->work(w);
	write_report(role, begin);
	return NULL;
}

static void run_all(struct worker *workers, int n)
{
	for (int i = 0; i < n; i++)
		if (pthread_create(&workers[i].id, NULL, run, &workers[i]))
			abort();
	for (int i = 0; i < n; i++)
		pthread_join(workers[i].id, NULL);
}

static void load_switch(int rounds)
{
	int there[2], back[2];

	if (pipe(there) || pipe(back))
		abort();
	run_all((struct worker[]){{"driver/a", hand_over, rounds, there[0], back[1], 0},
				  {"driver/b", hand_over, rounds, back[0], there[1], 0},
				  {"target/a", yield, rounds, -1, -1, 0},
				  {"target/b", yield, rounds, -1, -1, 0}},
		4);
}

static void load_three(void (*work)(struct worker *), const char *name, int ms)
{
	struct worker w = {.name = name, .work = work, .arg = ms};

	run_all((struct worker[]){w, w, w}, 3);
}

static void *meet(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

static void load_many(int n)
{
	pthread_t *ids = calloc((size_t)n, sizeof(*ids));
	pthread_barrier_t all;
	pthread_attr_t attr;

	pthread_barrier_init(&all, NULL, (unsigned)n + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, MANY_STACK);
	for (int i = 0; i < n; i++)
		if (pthread_create(&ids[i], &attr, meet, &all))
			abort();
	pthread_barrier_wait(&all);
	for (int i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
	free(ids);
}

static void load_fork(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			abort();
	}
}

static void load_doze(int naps)
{
	const struct timespec wait = {.tv_nsec = 5000000};

	for (int i = 0; i < naps; i++)
		nanosleep(&wait, NULL);
}

static void *become_doze(void *argv)
{
	execv("/proc/self/exe", argv);
	abort();
}

static void load_exec(char **argv)
{
	static char doze[] = "doze";
	pthread_t id;

	argv[2] = doze;
	if (pthread_create(&id, NULL, become_doze, argv))
		abort();
	pthread_join(id, NULL);
}

int main(int argc, char **argv)
{
	uint64_t begin = now_ns();
	int n = argc == 4 ? atoi(argv[3]) : 0;

	prctl(PR_SET_NAME, "sink/main");
	report = n > 0 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (report < 0)
		return 2;
	if (!strcmp(argv[2], "switch"))
		load_switch(n);
	else if (!strcmp(argv[2], "spin"))
		load_three(spin, "target/spin", n);
	else if (!strcmp(argv[2], "nap"))
		load_three(nap, "target/nap", n);
	else if (!strcmp(argv[2], "many"))
		load_many(n);
	else if (!strcmp(argv[2], "fork"))
		load_fork(n);
	else if (!strcmp(argv[2], "exec"))
		load_exec(argv);
	else if (!strcmp(argv[2], "doze"))
		load_doze(n);
	else
		return 2;
	write_report("sink", begin);
	return 0;
}
