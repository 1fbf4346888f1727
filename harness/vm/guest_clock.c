// SPDX-License-Identifier: MIT
/*
 * Rates from bounds: only what no delay of a message can explain counts. The counter is read
 * between two looks at our clock, of several tries the closest, at both ends of a short span.
 */
#include "harness/vm/guest_clock.h"

#include "harness/util/nsec.h"

#define SPAN_NS (20 * NSEC_PER_MSEC)
#define TRIES	20

bool guest_clock_agrees(const struct guest_clock_mark *a, const struct guest_clock_mark *b,
			double *rate)
{
	uint64_t most = b->until_ns - a->from_ns, guest = b->guest_ns - a->guest_ns;
	uint64_t least = b->from_ns > a->until_ns ? b->from_ns - a->until_ns : 0;

	if (most >= GUEST_CLOCK_MIN_NS && guest > most + most / GUEST_CLOCK_OFF_PART) {
		*rate = (double)guest / (double)most;
		return false;
	}
	if (least >= GUEST_CLOCK_MIN_NS && guest < least - least / GUEST_CLOCK_OFF_PART) {
		*rate = (double)guest / (double)least;
		return false;
	}
	return true;
}

#ifdef __x86_64__
#include <x86intrin.h>

struct reading {
	uint64_t ns, tsc;
};

static struct reading read_both(void)
{
	struct reading best = {0, 0};
	uint64_t closest = UINT64_MAX;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t before = nsec_now(), tsc = __rdtsc(), after = nsec_now();

		if (after - before < closest) {
			closest = after - before;
			best = (struct reading){before + closest / 2, tsc};
		}
	}
	return best;
}

unsigned guest_clock_tsc_khz(void)
{
	struct reading a = read_both(), b;

	nsec_sleep_until(a.ns + SPAN_NS);
	b = read_both();
	return (unsigned)((double)(b.tsc - a.tsc) * 1e6 / (double)(b.ns - a.ns) + 0.5);
}
#else
unsigned guest_clock_tsc_khz(void)
{
	return 0;
}
#endif
