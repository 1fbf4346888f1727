// SPDX-License-Identifier: MIT
/*
 * What a switch costs: two threads on one CPU hand a byte to and fro through pipes, so that each
 * hand-over is one wake-up and one voluntary switch. Whatever watches switches makes it dearer.
 *
 *	ping_pong WARMUP_MS DURATION_MS		prints nanoseconds per switch
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_EVERY 64
#define SWITCHES    2 /* of a round */

static int there[2], back[2];

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* Until the other side closes its end. */
static void *answer(void *unused)
{
	char byte;

	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
	return unused;
}

static int play_until(uint64_t end_ns, uint64_t *ret_rounds)
{
	uint64_t rounds = 0;
	char byte = 0;

	do {
		for (unsigned i = 0; i < CLOCK_EVERY; i++, rounds++)
			if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
				return -1;
	} while (now_ns() < end_ns);
	*ret_rounds = rounds;
	return 0;
}

static int play(uint64_t warmup_ns, uint64_t duration_ns)
{
	uint64_t begin, rounds;

	if (play_until(now_ns() + warmup_ns, &rounds))
		return -1;
	begin = now_ns();
	if (play_until(begin + duration_ns, &rounds))
		return -1;
	printf("ns_per_switch %.1f\n", (double)(now_ns() - begin) / (double)(rounds * SWITCHES));
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t other;
	cpu_set_t first;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: ping_pong WARMUP_MS DURATION_MS\n");
		return 2;
	}
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first) || pipe(there) || pipe(back) ||
	    pthread_create(&other, NULL, answer, NULL)) {
		perror("ping_pong");
		return 1;
	}
	r = play(strtoull(argv[1], NULL, 10) * 1000000, strtoull(argv[2], NULL, 10) * 1000000);
	close(there[1]);
	pthread_join(other, NULL);
	return r ? 1 : 0;
}
