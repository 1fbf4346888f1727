/* SPDX-License-Identifier: MIT */
/*
 * Log-linear histogram of nanoseconds: exact below 256, then 128 buckets for each power of two, so
 * a bucket is at most 1/128 of its value wide and its midpoint within 0.4 %. Range 0 to HIST_MAX
 * (2^42 - 1 ns, 73 minutes); larger values are counted in the last bucket and `max` stays exact.
 * The bucket of v is the same as HdrHistogram's with two significant digits and unit 1 (Gil Tene,
 * hdrhistogram.org), so an export is a copy of the counts.
 *
 * hist_record_n is for the measured loop: no allocation, no branch on size, one cache line touched
 * besides the header. A histogram belongs to one thread; merge after the join.
 */
#pragma once

#include <stdint.h>

#define HIST_SUB_BITS 7
#define HIST_SUB      (1u << HIST_SUB_BITS)
#define HIST_TOP_BITS 42
#define HIST_MAX      ((1ull << HIST_TOP_BITS) - 1)
#define HIST_BUCKETS  ((HIST_TOP_BITS - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
	uint64_t count, sum, min, max; /* min = UINT64_MAX while empty */
	uint64_t buckets[HIST_BUCKETS];
};

static inline unsigned hist_index(uint64_t v)
{
	unsigned shift;

	if (v < HIST_SUB)
		return (unsigned)v;
	if (v > HIST_MAX)
		v = HIST_MAX;
	shift = 63u - (unsigned)__builtin_clzll(v) - HIST_SUB_BITS;
	return (shift << HIST_SUB_BITS) + (unsigned)(v >> shift);
}

static inline void hist_record_n(struct hist *h, uint64_t v, uint64_t n)
{
	h->buckets[hist_index(v)] += n;
	h->count += n;
	h->sum += v * n;
	if (v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
}

static inline void hist_record(struct hist *h, uint64_t v)
{
	hist_record_n(h, v, 1);
}

struct hist *hist_new(void); /* NULL when out of memory; release with free() */
void hist_init(struct hist *h);
void hist_merge(struct hist *into, const struct hist *from);
/* Smallest and largest value that land in bucket i. */
uint64_t hist_low(unsigned i);
uint64_t hist_high(unsigned i);
/* The value at quantile q (0..1): midpoint of the bucket that holds the ceil(q * count)-th value,
 * never outside [min, max]. 0 when empty. */
uint64_t hist_quantile(const struct hist *h, double q);
double hist_mean(const struct hist *h);
