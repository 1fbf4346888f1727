// SPDX-License-Identifier: MIT
/* The lock of the memory backend; see the header. */
#include "targets/ublk/ublk_lock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "harness/util/nsec.h"

/*
 * A thread spins for about as long as going to sleep and being woken takes, and sleeps then: at
 * most twice what knowing the future would cost (Karlin, Li, Manasse, Owicki: Empirical studies of
 * competitive spinning, 1991). A mutex that puts to sleep at once is hardly ever found taken by a
 * thread that serves a batch: it has it back long before the one that was woken runs.
 */
#define SPIN_NS	       25000
#define TRIES_PER_LOOK 16 /* at the clock */

struct ublk_locks {
	unsigned n;
	struct {
		_Alignas(128) pthread_mutex_t mutex; /* no two on neighbouring cache lines */
	} lock[];
};

struct ublk_locks *ublk_locks_new(unsigned n)
{
	struct ublk_locks *l =
		aligned_alloc(_Alignof(struct ublk_locks), sizeof(*l) + n * sizeof(l->lock[0]));

	if (!l)
		return NULL;
	l->n = n;
	for (unsigned i = 0; i < n; i++)
		pthread_mutex_init(&l->lock[i].mutex, NULL);
	return l;
}

void ublk_locks_free(struct ublk_locks *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->n; i++)
		pthread_mutex_destroy(&l->lock[i].mutex);
	free(l);
}

unsigned ublk_locks_index(const struct ublk_locks *l, uint64_t offset)
{
	return l->n > 1 ? (unsigned)(offset / UBLK_STRIPE_BYTES % l->n) : 0;
}

uint64_t ublk_locks_reach(const struct ublk_locks *l, uint64_t offset)
{
	return l->n > 1 ? UBLK_STRIPE_BYTES - offset % UBLK_STRIPE_BYTES : UINT64_MAX;
}

/* Lets the other hardware thread of the core go ahead, where there is an instruction for that. */
static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("" ::: "memory");
#endif
}

static bool spin(pthread_mutex_t *mutex, uint64_t until)
{
	do {
		for (unsigned i = 0; i < TRIES_PER_LOOK; i++) {
			if (!pthread_mutex_trylock(mutex))
				return true;
			relax();
		}
	} while (nsec_now() < until);
	return false;
}

void ublk_locks_take(struct ublk_locks *l, unsigned index, struct ublk_lock_counts *counts)
{
	pthread_mutex_t *mutex;
	uint64_t since;

	if (!l->n)
		return;
	mutex = &l->lock[index].mutex;
	counts->taken++;
	if (!pthread_mutex_trylock(mutex))
		return;
	since = nsec_now();
	if (!spin(mutex, since + SPIN_NS))
		pthread_mutex_lock(mutex);
	counts->contended++;
	counts->wait_ns += nsec_now() - since;
}

void ublk_locks_release(struct ublk_locks *l, unsigned index)
{
	if (l->n)
		pthread_mutex_unlock(&l->lock[index].mutex);
}
