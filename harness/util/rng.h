/* SPDX-License-Identifier: MIT */
/*
 * Seeded random numbers, the same on every machine: SplitMix64 to spread a seed, xoshiro256** to
 * draw (D. Blackman, S. Vigna, prng.di.unimi.it; vectors in test_rng.c). Not for secrets.
 * A generator belongs to one thread; drawing touches 32 bytes and makes no call.
 */
#pragma once

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* One step of SplitMix64: moves *state on and returns the next number. */
static inline uint64_t rng_splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* Any seed is good, 0 included. */
static inline void rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = rng_splitmix(&seed);
}

static inline uint64_t rng_rotate(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t *s = r->s, result = rng_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rng_rotate(s[3], 45);
	return result;
}

/* Uniform in [0, n), without bias: D. Lemire, "Fast Random Integer Generation in an Interval",
 * 2019. n must not be 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	unsigned __int128 m = (unsigned __int128)rng_next(r) * n;

	if ((uint64_t)m < n)
		for (uint64_t threshold = -n % n; (uint64_t)m < threshold;)
			m = (unsigned __int128)rng_next(r) * n;
	return (uint64_t)(m >> 64);
}

/* Uniform in [0, 1): 53 random bits. */
static inline double rng_double(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}
