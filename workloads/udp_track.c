// SPDX-License-Identifier: MIT
/* A word is cleared when the first number that it stands for comes into reach. */
#include "workloads/udp_track.h"

#include <string.h>

static void advance(struct udp_track *t, uint64_t seq)
{
	uint64_t word = (t->next + 63) / 64;

	if (seq / 64 >= word + UDP_TRACK_WORDS)
		memset(t->bits, 0, sizeof(t->bits));
	else
		for (; word <= seq / 64; word++)
			t->bits[word % UDP_TRACK_WORDS] = 0;
	t->next = seq + 1;
}

enum udp_arrival udp_track_add(struct udp_track *t, uint64_t seq)
{
	uint64_t *word = &t->bits[seq / 64 % UDP_TRACK_WORDS], bit = 1ull << seq % 64;
	enum udp_arrival arrival = UDP_NEW;

	if (seq >= t->next)
		advance(t, seq);
	else if (t->next - seq > UDP_TRACK_REACH)
		return UDP_STALE;
	else if (*word & bit)
		return UDP_DUPLICATE;
	else
		arrival = UDP_REORDERED;
	*word |= bit;
	return arrival;
}
