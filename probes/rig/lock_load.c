// SPDX-License-Identifier: MIT
/*
 * For tests: programs whose futex calls are known. What they counted themselves goes to a file, as
 * JSON, since the rig prints to the standard output.
 *
 *   lock_load COUNTS known N            each kind of call so often, from one thread
 *   lock_load COUNTS raw THREADS N      a lock on the raw futex that counts its own calls
 *   lock_load COUNTS mutex THREADS N    a contended pthread mutex, held for a while
 *   lock_load COUNTS addresses N        a wake-up at each of N addresses
 *   lock_load COUNTS own THREADS N      threads that sleep so often, each at a futex of its own
 *   lock_load COUNTS crowd N            a wake-up by each of N threads that live at the same time
 *   lock_load COUNTS map THREADS MS     threads that map memory and unmap it bit by bit
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/util/nsec.h"

#define THREADS_LIMIT 64
#define TIMED_WAITS   5
#define HOLD_NS	      (200 * NSEC_PER_USEC)

struct counts {
	uint64_t waits, again, slept, switches, wakes, woke;
};

static uint32_t word, go;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct counts sum;
static uint64_t rounds, end_ns;

static long futex(uint32_t *at, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, at, op, value, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

static uint64_t voluntary(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return (uint64_t)u.ru_nvcsw;
}

static int known(void)
{
	static uint32_t other;
	const struct timespec soon = {.tv_nsec = 2000000};

	for (uint64_t i = 0; i < rounds; i++) {
		futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL);
		futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL); /* EAGAIN */
		if (i % 2)
			futex((void *)((char *)&word + 1), FUTEX_WAIT, 0, NULL); /* EINVAL */
		if (i % 4 == 0)
			syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 1, NULL, NULL, ~0u);
		if (i % 8 == 0)
			syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1l, &other, 1);
	}
	for (int i = 0; i < TIMED_WAITS; i++)
		futex(&word, FUTEX_WAIT_PRIVATE, 0, &soon);
	return 0;
}

/* Mutex "mutex2" of Drepper, Futexes Are Tricky: 0 free, 1 taken, 2 taken and waited for. */
static void raw_wait(struct counts *c)
{
	uint64_t before = voluntary();
	long r = futex(&word, FUTEX_WAIT_PRIVATE, 2, NULL);
	bool again = r && errno == EAGAIN;
	uint64_t switches = voluntary() - before;

	c->waits++;
	c->again += again;
	c->switches += switches;
	c->slept += switches > 0;
}

static void raw_lock(struct counts *c)
{
	uint32_t was = 0;

	if (__atomic_compare_exchange_n(&word, &was, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&word, 2, __ATOMIC_ACQUIRE))
		raw_wait(c);
}

static void raw_unlock(struct counts *c)
{
	if (__atomic_exchange_n(&word, 0, __ATOMIC_RELEASE) != 2)
		return;
	c->wakes++;
	c->woke += (uint64_t)futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL);
}

__attribute__((noinline)) static void hold(void)
{
	uint64_t until = nsec_now() + HOLD_NS;

	while (nsec_now() < until)
		;
}

static void *raw_thread(void *arg)
{
	struct counts c = {.waits = 0};

	for (uint64_t i = 0; i < rounds; i++) {
		raw_lock(&c);
		if (i % 16 == 0)
			hold();
		raw_unlock(&c);
	}
	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < sizeof(c) / sizeof(uint64_t); i++)
		((uint64_t *)&sum)[i] += ((uint64_t *)&c)[i];
	pthread_mutex_unlock(&mutex);
	return arg;
}

__attribute__((noinline)) static void take_the_mutex(void)
{
	pthread_mutex_lock(&mutex); /* line of the wait */
	hold();
	pthread_mutex_unlock(&mutex); /* line of the wake */
	__asm__ volatile("");	      /* no tail call: this function is to be on the stack */
}

static void *mutex_thread(void *arg)
{
	for (uint64_t i = 0; i < rounds; i++)
		take_the_mutex();
	return arg;
}

/* Many times more is unmapped than mapped, so that there is no doubt who waits most. */
static void *map_thread(void *arg)
{
	const size_t piece = 16 << 10, bytes = 64 * piece;

	while (nsec_now() < end_ns) {
		char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

		for (size_t done = 0; done < bytes; done += piece) {
			at[done] = 1;
			munmap(at + done, piece);
		}
	}
	return arg;
}

/* Not in step: which waits are sampled goes by the clock. */
__attribute__((noinline)) static void sleep_at(uint32_t *own)
{
	const struct timespec soon = {.tv_nsec = 1000000 + (gettid() % 7) * 310000};

	futex(own, FUTEX_WAIT_PRIVATE, 0, &soon); /* line of the own wait */
}

static void *own_thread(void *arg)
{
	uint32_t *own = calloc(1, 64);

	for (uint64_t i = 0; own && i < rounds; i++)
		sleep_at(own);
	free(own);
	return arg;
}

/* No part of the C library uses this operation. */
static void *crowd_thread(void *arg)
{
	futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL);
	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		futex(&go, FUTEX_WAIT_PRIVATE, 0, NULL);
	return arg;
}

static int crowd(unsigned n)
{
	pthread_t *all = calloc(n, sizeof(*all));
	pthread_attr_t small;
	unsigned made = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	while (all && made < n && !pthread_create(&all[made], &small, crowd_thread, NULL))
		made++;
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	futex(&go, FUTEX_WAKE_PRIVATE, INT_MAX, NULL);
	for (unsigned i = 0; i < made; i++)
		pthread_join(all[i], NULL);
	free(all);
	return made == n ? 0 : 1;
}

static int addresses(void)
{
	uint32_t *words = calloc(rounds, sizeof(*words));

	for (uint64_t i = 0; words && i < rounds; i++)
		futex(&words[i], FUTEX_WAKE_PRIVATE, 1, NULL);
	free(words);
	return words ? 0 : 1;
}

static int threads(void *(*work)(void *), unsigned n)
{
	pthread_t all[THREADS_LIMIT];

	if (n > THREADS_LIMIT)
		return 2;
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&all[i], NULL, work, NULL))
			return 1;
	for (unsigned i = 0; i < n; i++)
		pthread_join(all[i], NULL);
	return 0;
}

static int report(const char *path, const void *address)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return 1;
	fprintf(f,
		"{\"address\": \"%p\", \"waits\": %lu, \"again\": %lu, \"slept\": %lu, "
		"\"switches\": %lu, \"wakes\": %lu, \"woke\": %lu}\n",
		address, sum.waits, sum.again, sum.slept, sum.switches, sum.wakes, sum.woke);
	return fclose(f) ? 1 : 0;
}

static int run(const char *what, unsigned first, unsigned second)
{
	rounds = second ? second : first;
	end_ns = nsec_now() + second * NSEC_PER_MSEC;
	if (!strcmp(what, "known"))
		return known();
	if (!strcmp(what, "addresses"))
		return addresses();
	if (!strcmp(what, "crowd"))
		return crowd(first);
	if (!strcmp(what, "own"))
		return threads(own_thread, first);
	if (!strcmp(what, "raw"))
		return threads(raw_thread, first);
	if (!strcmp(what, "mutex"))
		return threads(mutex_thread, first);
	return strcmp(what, "map") ? 2 : threads(map_thread, first);
}

/* The address is told first: whoever runs this may end it. */
int main(int argc, char **argv)
{
	const void *address;
	int r;

	if (argc < 4)
		return 2;
	address = strcmp(argv[2], "mutex") ? (void *)&word : (void *)&mutex;
	r = report(argv[1], address);
	if (!r)
		r = run(argv[2], (unsigned)atoi(argv[3]), argc > 4 ? (unsigned)atoi(argv[4]) : 0);
	return r ? r : report(argv[1], address);
}
