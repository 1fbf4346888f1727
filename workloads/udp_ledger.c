// SPDX-License-Identifier: MIT
/* Arithmetic only: what was counted comes from the sink, the link and the lanes. */
#include "workloads/udp_ledger.h"

#include <errno.h>

#include "harness/result.h"

/* How many datagrams `buffers` lost buffers were, when `missing` have to be explained. */
static uint64_t in_datagrams(uint64_t buffers, unsigned per_buffer, int64_t missing)
{
	uint64_t most = buffers * per_buffer;

	if (missing < 0 || (uint64_t)missing < buffers)
		return buffers;
	return (uint64_t)missing < most ? (uint64_t)missing : most;
}

struct udp_ledger udp_ledger_settle(const struct udp_counts *c)
{
	struct udp_ledger l = {0};
	int64_t missing = (int64_t)(c->sent - c->delivered - c->corrupted - c->stale);
	unsigned per = c->datagrams_per_buffer;

	for (unsigned i = 0; i < UDP_REFUSALS; i++)
		l.refused += c->refused[i];
	missing -= (int64_t)c->socket_drops;
	l.dropped_qdisc = in_datagrams(c->qdisc_drops, per, (int64_t)(c->sent - c->qdisc_packets));
	missing -= (int64_t)l.dropped_qdisc;
	l.dropped_no_port = in_datagrams(c->no_port_buffers, per, missing);
	missing -= (int64_t)l.dropped_no_port;
	l.dropped_device = in_datagrams(c->device_drops, per, missing);
	l.unaccounted = missing - (int64_t)l.dropped_device;
	l.inferred = l.dropped_qdisc + l.dropped_no_port + l.dropped_device - c->qdisc_drops -
		     c->no_port_buffers - c->device_drops;
	return l;
}

static double as_datagrams(uint64_t buffers, uint64_t total_buffers, uint64_t total_datagrams)
{
	return buffers ? (double)buffers * (double)total_datagrams / (double)total_buffers : 0;
}

double udp_ledger_dropped(const struct udp_counts *total, const struct udp_ledger *l,
			  const struct udp_counts *from, const struct udp_counts *to)
{
	return (double)(to->socket_drops - from->socket_drops) +
	       as_datagrams(to->qdisc_drops - from->qdisc_drops, total->qdisc_drops,
			    l->dropped_qdisc) +
	       as_datagrams(to->device_drops - from->device_drops, total->device_drops,
			    l->dropped_device) +
	       as_datagrams(to->no_port_buffers - from->no_port_buffers, total->no_port_buffers,
			    l->dropped_no_port);
}

static uint64_t magnitude(int64_t n)
{
	return n < 0 ? -(uint64_t)n : (uint64_t)n;
}

void udp_ledger_report(const struct udp_counts *c, const struct udp_ledger *l, struct result *res)
{
	result_verify(res, "offered", c->offered);
	result_verify(res, "sent", c->sent);
	result_verify(res, "refused", l->refused);
	result_verify(res, "refused_eagain", c->refused[UDP_EAGAIN]);
	result_verify(res, "refused_enobufs", c->refused[UDP_ENOBUFS]);
	result_verify(res, "refused_econnrefused", c->refused[UDP_ECONNREFUSED]);
	result_verify(res, "delivered", c->delivered);
	result_verify(res, "dropped_sink_socket", c->socket_drops);
	result_verify(res, "dropped_no_port", l->dropped_no_port);
	result_verify(res, "dropped_qdisc", l->dropped_qdisc);
	result_verify(res, "dropped_device", l->dropped_device);
	result_verify(res, "duplicated", c->duplicated);
	result_verify(res, "reordered", c->reordered);
	result_verify(res, "corrupted", c->corrupted);
	result_verify(res, "stale", c->stale);
	result_verify(res, "unaccounted", magnitude(l->unaccounted));
	result_verify(res, "unaccounted_at_most", magnitude(l->unaccounted) + l->inferred);
}

int udp_ledger_judge(const struct udp_counts *c, const struct udp_ledger *l, struct err *err)
{
	typedef unsigned long long ull;

	if (c->corrupted)
		return err_set(err, -EBADMSG, "oracle: %llu datagrams arrived corrupted",
			       (ull)c->corrupted);
	if (c->duplicated)
		return err_set(err, -EBADMSG, "oracle: %llu datagrams arrived twice",
			       (ull)c->duplicated);
	if (c->stale)
		return err_set(err, -EBADMSG,
			       "oracle: %llu datagrams arrived too late to be judged",
			       (ull)c->stale);
	if (c->reordered && !c->may_reorder)
		return err_set(err, -EBADMSG, "oracle: %llu datagrams arrived behind a later one",
			       (ull)c->reordered);
	if (c->offered != c->sent + l->refused)
		return err_set(err, -EBADMSG,
			       "oracle: %llu offered, but %llu sent and %llu refused",
			       (ull)c->offered, (ull)c->sent, (ull)l->refused);
	if (l->unaccounted > 0)
		return err_set(err, -EBADMSG,
			       "oracle: %llu of %llu datagrams sent are missing without a drop",
			       (ull)l->unaccounted, (ull)c->sent);
	if (l->unaccounted < 0)
		return err_set(err, -EBADMSG,
			       "oracle: %llu datagrams more were delivered and dropped than sent",
			       (ull)-l->unaccounted);
	return 0;
}
