// SPDX-License-Identifier: MIT
/*
 * udp: datagrams from the lanes to a counting sink, over a link of the run's own. An operation is
 * done when the kernel took or refused the datagram; what counts as throughput is what arrived. The
 * oracle is a ledger over the whole run, warm-up included: each datagram offered is found again as
 * delivered, refused or dropped at a place that counts its drops.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "harness/world/udp.h"
#include "workloads/udp_datagram.h"
#include "workloads/udp_ledger.h"
#include "workloads/udp_link.h"
#include "workloads/udp_sink.h"
#include "workloads/workloads.h"

#define DRAIN_QUIET_NS (300 * NSEC_PER_MSEC)
#define DRAIN_MOST_NS  (5 * NSEC_PER_SEC)
#define DRAIN_LOOK_NS  (2 * NSEC_PER_MSEC)
#define MTU_USUAL      1500u
#define MTU_MOST       65535u

enum link_kind { LINK_LOOPBACK, LINK_VETH };
enum sink_kind { SINK_OPEN, SINK_CLOSED };

static const char *const link_names[] = {"loopback", "veth", NULL};
static const char *const sink_names[] = {"open", "closed", NULL};

struct udp_config {
	int link, sink;
	uint64_t link_rate, link_queue, mtu, destinations, sink_rcvbuf, sink_threads;
};

#define ROW(knob, kind, value, text)                                                            \
	.name = #knob, .type = kind, .offset = offsetof(struct udp_config, knob), .def = value, \
	.help = text

static const struct param udp_params[] = {
	{ROW(link, PARAM_ENUM, "loopback", "the way to the sink, in namespaces of the run's own"),
	 .choices = link_names},
	{ROW(link_rate, PARAM_RATE, "0", "token bucket on the sender's end of the veth; 0 = none"),
	 .unit = "bit/s"},
	{ROW(link_queue, PARAM_SIZE, "64M",
	     "what the token bucket queues before it drops; above all send buffers, they fill"),
	 .min = 1, .max = UINT32_MAX},
	{ROW(mtu, PARAM_INT, "0", "of the veth; 0 = 1500, or what the payload needs"),
	 .max = MTU_MOST, .unit = "bytes"},
	{ROW(destinations, PARAM_INT, "0",
	     "ports at the sink, each lane sends to all in turn; 0 = one port for each lane"),
	 .max = 1024, .unit = "ports"},
	{ROW(sink_rcvbuf, PARAM_SIZE, "4M",
	     "receive buffer of a port; cut to net.core.rmem_max without CAP_NET_ADMIN"),
	 .min = 4096, .max = 1 << 30},
	{ROW(sink_threads, PARAM_INT, "1", "threads that empty the ports"), .min = 1, .max = 64,
	 .unit = "threads"},
	{ROW(sink, PARAM_ENUM, "open", "closed: nobody listens at the ports"),
	 .choices = sink_names, .fault = true},
	PARAM_END,
};

static const struct metric udp_metrics[] = {
	{"throughput", "1/s", BETTER_HIGHER, "datagrams delivered per second of the window"},
	{"throughput_bytes", "bytes/s", BETTER_HIGHER, "payload delivered per second"},
	{"offered_per_s", "1/s", BETTER_NONE, "datagrams offered to the kernel per second"},
	{"sent_per_s", "1/s", BETTER_HIGHER, "datagrams that the kernel took per second"},
	{"refused_per_s", "1/s", BETTER_LOWER, "datagrams that the kernel refused per second"},
	{"loss_ratio", "1", BETTER_LOWER,
	 "datagrams dropped in the window, of delivered + dropped"},
	METRIC_END,
};

struct snapshot {
	uint64_t at_ns;
	struct udp_counts counts; /* of the sink and the link */
};

struct udp {
	struct udp_world world;
	struct udp_link *link;
	struct udp_sink *sink;
	struct udp_link_losses before;
	struct snapshot marks[2];
	struct udp_counts total; /* once everything has arrived or is lost */
	struct udp_ledger ledger;
	bool settled;
	uint64_t nonce;
	struct err mark_err;
	int mark_error;
};

/* One lane's share of the ledger, and what its datagrams are made of. */
struct udp_lane {
	uint64_t offered, sent, refused[UDP_REFUSALS];
	uint64_t nonce, destinations; /* 0: a port of its own */
	uint32_t body_sum[];	      /* [depth] */
} __attribute__((aligned(64)));

static uint32_t mtu_of(const struct udp_config *c, const struct axes *axes)
{
	uint64_t needed = axes->payload + UDP_OVERHEAD;

	return (uint32_t)(c->mtu ? c->mtu : max_of(needed, (uint64_t)MTU_USUAL));
}

static int udp_check_cell(const struct cell *cell, struct err *err)
{
	const struct udp_config *c = cell->workload_config;
	uint64_t needed = cell->axes.payload + UDP_OVERHEAD;

	if (c->link != LINK_VETH && (c->link_rate || c->mtu))
		return err_set(err, -EINVAL, "%s needs link = veth", c->mtu ? "mtu" : "link_rate");
	if (c->link_rate && c->link_rate < 8)
		return err_set(err, -EINVAL, "link_rate below 8 bit/s");
	/* A drop counter counts fragments, and nobody could say how many datagrams they were. */
	if (c->mtu && c->mtu < needed)
		return err_set(err, -EINVAL,
			       "a payload of %llu bytes needs an mtu of %llu: fragments cannot be "
			       "accounted for",
			       (unsigned long long)cell->axes.payload, (unsigned long long)needed);
	return 0;
}

static int open_sink(struct run *run, struct udp *u)
{
	const struct udp_config *c = run->workload_config;
	unsigned lanes = (unsigned)run->axes->threads;
	const struct udp_sink_plan plan = {
		.sockets = c->destinations ? (unsigned)c->destinations : lanes,
		.threads = (unsigned)c->sink_threads,
		.lanes = lanes,
		.own_port = !c->destinations,
		.payload = (uint32_t)run->axes->payload,
		.rcvbuf_bytes = c->sink_rcvbuf,
		.nonce = u->nonce,
	};
	int r = udp_sink_open(&plan, u->link, &u->sink, &run->err);

	if (r)
		return r;
	u->world = (struct udp_world){.destination = udp_sink_addresses(u->sink),
				      .destinations = plan.sockets,
				      .mtu = udp_link_mtu(u->link),
				      .datagrams_per_buffer = 1};
	if (c->sink == SINK_OPEN)
		return udp_sink_start(u->sink, run);
	udp_sink_shut(u->sink);
	return 0;
}

static int udp_setup(struct run *run)
{
	const struct udp_config *c = run->workload_config;
	const struct udp_link_plan plan = {.veth = c->link == LINK_VETH,
					   .mtu = mtu_of(c, run->axes),
					   .rate_bits_per_s = c->link_rate,
					   .queue_bytes = (uint32_t)c->link_queue};
	struct udp *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_sys(&run->err, -ENOMEM, "udp");
	run->workload = u;
	u->nonce = run->seed;
	r = udp_link_open(&plan, &u->link, &run->err);
	if (!r)
		r = open_sink(run, u);
	if (!r)
		r = udp_link_losses(u->link, &u->before, &run->err);
	if (!r)
		run->world = &u->world;
	return r;
}

static int udp_lane_open(struct lane *lane)
{
	const struct udp_config *c = lane->run->workload_config;
	const struct udp *u = lane->run->workload;
	size_t bytes = sizeof(struct udp_lane) + lane->depth * sizeof(uint32_t);
	struct udp_lane *l = aligned_alloc(64, (bytes + 63) & ~63ul);

	if (!l)
		return err_sys(&lane->err, -ENOMEM, "lane %u", lane->index);
	memset(l, 0, bytes);
	l->nonce = u->nonce;
	l->destinations = c->destinations;
	for (unsigned i = 0; i < lane->depth; i++)
		l->body_sum[i] = udp_body_make(lane->ops[i].data, lane->ops[i].len,
					       u->nonce ^ (uint64_t)lane->index << 32 ^ i);
	lane->workload = l;
	return 0;
}

static void udp_next(struct lane *lane, struct op **ops, unsigned n)
{
	struct udp_lane *l = lane->workload;

	for (unsigned i = 0; i < n; i++) {
		struct op *op = ops[i];
		struct udp_stream at = {.lane = (uint16_t)lane->index,
					.destination = (uint16_t)lane->index,
					.seq = op->seq};

		if (l->destinations) {
			at.destination = (uint16_t)(op->seq % l->destinations);
			at.seq = op->seq / l->destinations;
		}
		op->addr = at.destination;
		udp_header_make(op->data, op->len, l->nonce, &at, l->body_sum[op->slot]);
	}
	l->offered += n;
}

static int count_refusal(struct lane *lane, struct udp_lane *l, const struct op *op)
{
	switch (op->result) {
	case -EAGAIN:
		l->refused[UDP_EAGAIN]++;
		return 0;
	case -ENOBUFS:
		l->refused[UDP_ENOBUFS]++;
		return 0;
	case -ECONNREFUSED:
		l->refused[UDP_ECONNREFUSED]++;
		return 0;
	default:
		return err_sys(&lane->err, op->result, "datagram %llu",
			       (unsigned long long)op->seq);
	}
}

static int udp_check(struct lane *lane, struct op **ops, unsigned n)
{
	struct udp_lane *l = lane->workload;
	int r = 0;

	for (unsigned i = 0; !r && i < n; i++) {
		if (ops[i]->result == (int32_t)ops[i]->len)
			l->sent++;
		else if (ops[i]->result < 0)
			r = count_refusal(lane, l, ops[i]);
		else
			r = err_set(&lane->err, -EBADMSG, "datagram %llu: %d of %u bytes sent",
				    (unsigned long long)ops[i]->seq, ops[i]->result, ops[i]->len);
	}
	return r;
}

static int count_all(struct run *run, struct udp_counts *c, struct err *err)
{
	const struct udp_config *config = run->workload_config;
	const struct udp *u = run->workload;
	struct udp_sink_counts sink = udp_sink_counts(u->sink);
	struct udp_link_losses now;
	int r = udp_link_losses(u->link, &now, err);

	if (!r)
		r = udp_sink_drops(u->sink, &c->socket_drops, err);
	if (r)
		return r;
	c->delivered = sink.delivered;
	c->duplicated = sink.duplicated;
	c->reordered = sink.reordered;
	c->corrupted = sink.corrupted;
	c->stale = sink.stale;
	c->qdisc_packets = now.qdisc_packets - u->before.qdisc_packets;
	c->qdisc_drops = now.qdisc_drops - u->before.qdisc_drops;
	c->qdisc_backlog = now.qdisc_backlog_bytes;
	c->device_drops = now.device_drops - u->before.device_drops;
	c->no_port_buffers = now.no_port - u->before.no_port;
	c->datagrams_per_buffer = u->world.datagrams_per_buffer;
	c->may_reorder = u->world.may_reorder || config->link_rate;
	return 0;
}

/* The counts of the lanes: theirs alone until the drive is over. */
static void count_lanes(const struct run *run, struct udp_counts *c)
{
	for (unsigned i = 0; i < run->axes->threads; i++) {
		const struct udp_lane *l = run->lanes[i].workload;

		c->offered += l->offered;
		c->sent += l->sent;
		for (unsigned k = 0; k < UDP_REFUSALS; k++)
			c->refused[k] += l->refused[k];
	}
}

/* Runs on the main thread beside the lanes, so it takes what the sink and the kernel count. */
static void udp_mark(struct run *run, enum mark mark)
{
	struct udp *u = run->workload;
	struct snapshot *now = &u->marks[mark];
	int r = count_all(run, &now->counts, &u->mark_err);

	now->at_ns = nsec_now();
	if (r)
		u->mark_error = r;
}

static uint64_t arrived_or_lost(const struct udp_counts *c)
{
	return c->delivered + c->corrupted + c->stale + c->socket_drops + c->qdisc_drops +
	       c->device_drops + c->no_port_buffers;
}

/* Waits until everything is accounted for, or nothing has changed for a while. */
static int drain(struct run *run, struct udp_counts *c)
{
	uint64_t start = nsec_now(), changed = start, last = UINT64_MAX;

	for (;;) {
		uint64_t now = nsec_now(), seen;
		int r = count_all(run, c, &run->err);

		if (r)
			return r;
		seen = arrived_or_lost(c) + c->duplicated;
		if (seen != last || c->qdisc_backlog)
			changed = now;
		last = seen;
		if (arrived_or_lost(c) == c->sent || now - changed > DRAIN_QUIET_NS)
			return 0;
		if (now - start > DRAIN_MOST_NS)
			return err_set(&run->err, -ETIMEDOUT,
				       "the link still holds %llu bytes %llu s after the last send",
				       (unsigned long long)c->qdisc_backlog,
				       (unsigned long long)(DRAIN_MOST_NS / NSEC_PER_SEC));
		nsec_sleep_until(now + DRAIN_LOOK_NS);
	}
}

static int udp_verify(struct run *run, struct result *result)
{
	struct udp *u = run->workload;
	struct udp_counts *c = &u->total;
	int r;

	count_lanes(run, c);
	r = drain(run, c);
	udp_sink_stop(u->sink);
	if (!r)
		r = count_all(run, c, &run->err);
	if (!r)
		r = udp_sink_error(u->sink, &run->err);
	if (r)
		return r;
	u->ledger = udp_ledger_settle(c);
	u->settled = true;
	udp_ledger_report(c, &u->ledger, result);
	result_verify(result, "sink_rcvbuf_bytes", udp_sink_rcvbuf_bytes(u->sink));
	if (c->reordered && c->may_reorder)
		result_note(result, "%llu datagrams arrived behind a later one: %s",
			    (unsigned long long)c->reordered,
			    u->world.may_reorder ? "the target promises no order"
						 : "the token bucket is emptied by any CPU");
	return udp_ledger_judge(c, &u->ledger, &run->err);
}

static void report_delivered(const struct run *run, const struct udp *u, struct result *result)
{
	const struct snapshot *begin = &u->marks[WINDOW_BEGIN], *end = &u->marks[WINDOW_END];
	double seconds = (double)(end->at_ns - begin->at_ns) / (double)NSEC_PER_SEC;
	double delivered = (double)(end->counts.delivered - begin->counts.delivered);
	double dropped =
		u->settled ? udp_ledger_dropped(&u->total, &u->ledger, &begin->counts, &end->counts)
			   : 0;

	result_metric(result, "throughput", delivered / seconds);
	result_metric(result, "throughput_bytes", delivered * (double)run->axes->payload / seconds);
	if (!u->settled)
		result_metric_none(result, "loss_ratio", "what was lost could not be counted");
	else if (delivered + dropped > 0)
		result_metric(result, "loss_ratio", dropped / (delivered + dropped));
	else
		result_metric_none(result, "loss_ratio", "nothing was delivered or dropped");
}

static void udp_report(struct run *run, const struct window *window, struct result *result)
{
	static const char *const names[] = {"throughput", "throughput_bytes", "loss_ratio"};
	const struct udp_config *c = run->workload_config;
	const struct udp *u = run->workload;
	double seconds = (double)(window->end_ns - window->begin_ns) / (double)NSEC_PER_SEC;
	uint64_t rcvbuf = udp_sink_rcvbuf_bytes(u->sink);

	result_metric(result, "offered_per_s", (double)(window->ops + window->errors) / seconds);
	result_metric(result, "sent_per_s", (double)window->ops / seconds);
	result_metric(result, "refused_per_s", (double)window->errors / seconds);
	for (unsigned i = 0; u->mark_error && i < array_size(names); i++)
		result_metric_none(result, names[i], u->mark_err.text);
	if (!u->mark_error)
		report_delivered(run, u, result);
	if (rcvbuf < c->sink_rcvbuf)
		result_note(result, "sink_rcvbuf: %llu bytes asked for, %llu granted",
			    (unsigned long long)c->sink_rcvbuf, (unsigned long long)rcvbuf);
}

static void udp_lane_close(struct lane *lane)
{
	free(lane->workload);
	lane->workload = NULL;
}

static void udp_teardown(struct run *run)
{
	struct udp *u = run->workload;

	if (!u)
		return;
	udp_sink_close(u->sink);
	udp_link_close(u->link);
	free(u);
	run->workload = NULL;
}

const struct workload_ops workload_udp = {
	.name = "udp",
	.help = "datagrams to a sink that counts and checks what arrives",
	.op_name = "datagram",
	.yardstick = "loopback",
	.params = udp_params,
	.config_size = sizeof(struct udp_config),
	.metrics = udp_metrics,
	.payload_default = 64,
	.payload_min = sizeof(struct udp_header),
	.payload_max = 65507,
	.check_cell = udp_check_cell,
	.setup = udp_setup,
	.lane_open = udp_lane_open,
	.next = udp_next,
	.check = udp_check,
	.mark = udp_mark,
	.verify = udp_verify,
	.report = udp_report,
	.lane_close = udp_lane_close,
	.teardown = udp_teardown,
};
