// SPDX-License-Identifier: MIT
/*
 * netlink: dumps of a host's TCP sockets, the work of a daemon that polls them. The run moves into
 * a network namespace of its own, where exactly the planned sockets exist; one operation is one
 * complete SOCK_DIAG_BY_FAMILY dump. The reader of the answers (netlink_dump) belongs to the
 * workload, so no target can claim a record that did not come. Every dump's count and fingerprint
 * must be those of the plan; the first whole dump of each lane is kept and compared record by
 * record.
 *
 * Two ends of this measurement lie in the kernel: a dump walks every bucket of the listening and
 * the established hash (inet_diag, tcp_diag), also the empty ones and those of other namespaces, so
 * a dump of few sockets costs what the walk costs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/result.h"
#include "harness/util/cleanup.h"
#include "harness/util/netns.h"
#include "harness/util/nsec.h"
#include "workloads/netlink_dump.h"
#include "workloads/netlink_hold.h"
#include "workloads/netlink_set.h"
#include "workloads/workloads.h"

#define KEYS_SPARE 64 /* kept beyond the expected ones, so that an extra record can be named */

static const char *const state_names[] = {"listening", "connected", NULL};
static const char *const extension_names[] = {"none", "all", NULL};
static const char *const filter_names[] = {"none", "ports", NULL};

#define KNOB(field) .offset = offsetof(struct netlink_config, field)
static const struct param netlink_params[] = {
	{.name = "sockets",
	 .type = PARAM_INT,
	 KNOB(sockets),
	 .def = "1000",
	 .min = 1,
	 .max = 50000,
	 .unit = "sockets",
	 .help = "TCP sockets in the namespace; both ends of a connection count"},
	{.name = "state",
	 .type = PARAM_ENUM,
	 KNOB(state),
	 .def = "listening",
	 .choices = state_names,
	 .help = "what the sockets are"},
	{.name = "extensions",
	 .type = PARAM_ENUM,
	 KNOB(extensions),
	 .def = "none",
	 .choices = extension_names,
	 .help = "attributes asked for with each record (tcp_info, memory, congestion, ...)"},
	{.name = "filter",
	 .type = PARAM_ENUM,
	 KNOB(filter),
	 .def = "none",
	 .choices = filter_names,
	 .help = "bytecode run by the kernel: ports lets `filter_ports` source ports through"},
	{.name = "filter_ports",
	 .type = PARAM_INT,
	 KNOB(filter_ports),
	 .def = "100",
	 .min = 1,
	 .max = NETLINK_PORTS,
	 .unit = "ports",
	 .help = "with filter=ports: how many ports from 10000 on are wanted"},
	PARAM_END,
};

static const struct metric netlink_metrics[] = {
	{"records_per_s", "1/s", BETTER_HIGHER, "socket records received and checked"},
	{"ns_per_record", "ns", BETTER_LOWER, "time of a lane for each record"},
	{"messages_per_dump", "1", BETTER_NONE,
	 "kernel messages received for one dump, mean of the whole run"},
	{"bytes_per_dump", "bytes", BETTER_NONE,
	 "bytes received for one dump, mean of the whole run"},
	{"dump_interrupted", "1", BETTER_LOWER,
	 "dumps that failed with NLM_F_DUMP_INTR, warm-up included"},
	{"truncated", "1", BETTER_LOWER, "dumps that failed with MSG_TRUNC, warm-up included"},
	{"enobufs", "1", BETTER_LOWER, "dumps that failed with ENOBUFS, warm-up included"},
	METRIC_END,
};

struct tally {
	uint64_t dumps, bytes, messages; /* of whole dumps */
	uint64_t interrupted, truncated, enobufs, stale;
};

struct netlink_lane {
	struct tally tally;
	const struct netlink_set *expected;
	uint32_t seq;
	struct netlink_key *keys; /* the kept dump */
	size_t keys_max;
	bool keeping, kept;	     /* keeping: a dump that fills `keys` is in flight */
	struct netlink_dump dumps[]; /* [depth] */
};

struct netlink_run {
	struct netlink_world world;
	struct netlink_hold hold;
	struct netlink_set expected;
};

static int netlink_check_cell(const struct cell *cell, struct err *err)
{
	const struct netlink_config *config = cell->workload_config;

	if (config->state == NETLINK_TCP_CONNECTED && config->sockets % 2)
		return err_set(err, -EINVAL, "sockets: %llu connected sockets are not whole pairs",
			       (unsigned long long)config->sockets);
	return 0;
}

static struct netlink_dump *dump_of(const struct lane *lane, const struct op *op)
{
	struct netlink_lane *own = lane->workload;

	return &own->dumps[op->slot];
}

static struct iovec world_request(const struct lane *lane, const struct op *op)
{
	struct netlink_request *request = &dump_of(lane, op)->request;

	return (struct iovec){request, request->header.nlmsg_len};
}

static enum netlink_verdict world_consume(struct lane *lane, struct op *op, const void *buf,
					  size_t len, int msg_flags)
{
	struct netlink_dump *dump = dump_of(lane, op);
	enum netlink_verdict verdict = netlink_dump_consume(dump, buf, len, msg_flags);

	if (verdict == NETLINK_END)
		op->result = dump->result;
	return verdict;
}

static int netlink_setup(struct run *run)
{
	const struct netlink_config *config = run->workload_config;
	struct netlink_run *own = calloc(1, sizeof(*own));
	int rc;

	if (!own)
		return err_sys(&run->err, -ENOMEM, "netlink workload");
	run->workload = own;
	own->world = (struct netlink_world){world_request, world_consume};
	rc = netns_enter_new(&run->err);
	if (rc < 0)
		return rc;
	rc = netlink_set_expect(config, &own->expected);
	if (rc < 0)
		return err_sys(&run->err, rc, "the expected set of sockets");
	rc = netlink_hold_open(config, 0, &own->hold, &run->err);
	if (rc < 0)
		return rc;
	run->world = &own->world;
	return 0;
}

static void netlink_lane_close(struct lane *lane)
{
	struct netlink_lane *own = lane->workload;

	if (own)
		free(own->keys);
	free(own);
	lane->workload = NULL;
}

static int netlink_lane_open(struct lane *lane)
{
	const struct netlink_run *all = lane->run->workload;
	size_t bytes = sizeof(struct netlink_lane) + lane->depth * sizeof(struct netlink_dump);
	struct netlink_lane *own = aligned_alloc(64, (bytes + 63) & ~(size_t)63);

	if (!own)
		return err_sys(&lane->err, -ENOMEM, "netlink lane");
	memset(own, 0, bytes);
	lane->workload = own;
	own->expected = &all->expected;
	own->keys_max = all->expected.n + KEYS_SPARE;
	own->keys = calloc(own->keys_max, sizeof(*own->keys));
	if (!own->keys)
		return err_sys(&lane->err, -ENOMEM, "netlink lane");
	for (unsigned i = 0; i < lane->depth; i++)
		netlink_dump_init(&own->dumps[i], lane->run->workload_config);
	return 0;
}

static void netlink_next(struct lane *lane, struct op **ops, unsigned n)
{
	struct netlink_lane *own = lane->workload;

	for (unsigned i = 0; i < n; i++) {
		struct netlink_dump *dump = dump_of(lane, ops[i]);

		ops[i]->addr = ops[i]->slot;
		netlink_dump_begin(dump, ++own->seq);
		if (own->kept || own->keeping)
			continue;
		own->keeping = true;
		dump->keys = own->keys;
		dump->keys_max = own->keys_max;
	}
}

/* A failed dump is an outcome of the system under test as long as it is one of these three. */
static int count_failure(struct lane *lane, const struct op *op, const struct netlink_dump *dump)
{
	struct tally *tally = &((struct netlink_lane *)lane->workload)->tally;

	switch (op->result) {
	case -EMSGSIZE:
		tally->truncated++;
		return 0;
	case -ENOBUFS:
		tally->enobufs++;
		return 0;
	case -EINTR:
		tally->interrupted++;
		return 0;
	case -EBADMSG:
		return err_set(&lane->err, -EBADMSG, "lane %u, dump %llu: %s", lane->index,
			       (unsigned long long)op->seq,
			       dump->why ? dump->why : "malformed answer");
	default:
		return err_sys(&lane->err, op->result, "lane %u, dump %llu", lane->index,
			       (unsigned long long)op->seq);
	}
}

/* Says how a dump differs: exactly where its records were kept, else by the count. */
static int explain(struct lane *lane, const struct op *op, const struct netlink_dump *dump)
{
	struct netlink_lane *own = lane->workload;
	const struct netlink_set *want = own->expected;
	size_t n = min_of((size_t)dump->print.records, own->keys_max);

	if (dump->print.records != want->print.records)
		err_set(&lane->err, 0, "%llu records where %llu sockets exist",
			(unsigned long long)dump->print.records,
			(unsigned long long)want->print.records);
	else
		err_set(&lane->err, 0, "as many records as sockets, but not of the same sockets");
	if (dump->keys)
		netlink_set_compare(want, own->keys, n, &lane->err);
	return err_wrap(&lane->err, -EBADMSG, "lane %u, dump %llu", lane->index,
			(unsigned long long)op->seq);
}

static int check_whole(struct lane *lane, const struct op *op, const struct netlink_dump *dump)
{
	struct netlink_lane *own = lane->workload;

	if (memcmp(&dump->print, &own->expected->print, sizeof(dump->print)) != 0)
		return explain(lane, op, dump);
	if (dump->keys)
		own->kept = true;
	own->tally.dumps++;
	own->tally.bytes += dump->bytes;
	own->tally.messages += dump->messages;
	return 0;
}

static int netlink_check(struct lane *lane, struct op **ops, unsigned n)
{
	struct netlink_lane *own = lane->workload;

	for (unsigned i = 0; i < n; i++) {
		struct netlink_dump *dump = dump_of(lane, ops[i]);
		int rc;

		own->tally.stale += dump->stale;
		rc = ops[i]->result < 0 ? count_failure(lane, ops[i], dump)
					: check_whole(lane, ops[i], dump);
		if (rc < 0)
			return rc;
		if (dump->keys)
			own->keeping = false;
	}
	return 0;
}

static struct tally sum_lanes(const struct run *run)
{
	struct tally sum = {0};

	for (unsigned i = 0; i < run->axes->threads; i++) {
		const struct netlink_lane *own = run->lanes[i].workload;

		sum.dumps += own->tally.dumps;
		sum.bytes += own->tally.bytes;
		sum.messages += own->tally.messages;
		sum.interrupted += own->tally.interrupted;
		sum.truncated += own->tally.truncated;
		sum.enobufs += own->tally.enobufs;
		sum.stale += own->tally.stale;
	}
	return sum;
}

static int compare_kept(struct run *run, unsigned *ret_lanes)
{
	const struct netlink_run *all = run->workload;
	unsigned lanes = 0;

	for (unsigned i = 0; i < run->axes->threads; i++) {
		struct netlink_lane *own = run->lanes[i].workload;
		int rc;

		if (!own->kept)
			continue;
		rc = netlink_set_compare(&all->expected, own->keys, all->expected.n, &run->err);
		if (rc < 0)
			return err_wrap(&run->err, rc, "first whole dump of lane %u", i);
		lanes++;
	}
	*ret_lanes = lanes;
	return 0;
}

static int netlink_verify(struct run *run, struct result *result)
{
	const struct netlink_run *own = run->workload;
	struct tally sum = sum_lanes(run);
	uint64_t failed = sum.truncated + sum.enobufs + sum.interrupted;
	unsigned lanes = 0;
	int rc = compare_kept(run, &lanes);

	result_verify(result, "records_per_dump", own->expected.n);
	result_verify(result, "dumps_checked", sum.dumps);
	result_verify(result, "dumps_compared_exactly", lanes);
	result_verify(result, "dumps_failed", failed);
	result_verify(result, "stale_messages", sum.stale);
	if (rc < 0)
		return rc;
	if (!sum.dumps && failed)
		return err_set(&run->err, -EBADMSG,
			       "no dump was complete: %llu truncated (recv_bytes is smaller than a "
			       "kernel message), %llu without buffers, %llu interrupted",
			       (unsigned long long)sum.truncated, (unsigned long long)sum.enobufs,
			       (unsigned long long)sum.interrupted);
	if (sum.stale && !failed)
		return err_set(&run->err, -EBADMSG,
			       "%llu messages belong to another dump, though none failed",
			       (unsigned long long)sum.stale);
	return 0;
}

static void netlink_report(struct run *run, const struct window *window, struct result *result)
{
	const struct netlink_run *own = run->workload;
	const struct tally sum = sum_lanes(run);
	const double records = (double)window->ops * (double)own->expected.n;
	const double window_ns = (double)(window->end_ns - window->begin_ns);

	result_metric(result, "dump_interrupted", (double)sum.interrupted);
	result_metric(result, "truncated", (double)sum.truncated);
	result_metric(result, "enobufs", (double)sum.enobufs);
	if (window_ns > 0)
		result_metric(result, "records_per_s", records * NSEC_PER_SEC / window_ns);
	else
		result_metric_none(result, "records_per_s", "the window is empty");
	if (records > 0)
		result_metric(result, "ns_per_record",
			      window_ns * (double)run->axes->threads / records);
	else
		result_metric_none(result, "ns_per_record", "no record was received");
	if (sum.dumps) {
		result_metric(result, "messages_per_dump",
			      (double)sum.messages / (double)sum.dumps);
		result_metric(result, "bytes_per_dump", (double)sum.bytes / (double)sum.dumps);
	} else {
		result_metric_none(result, "messages_per_dump", "no dump was complete");
		result_metric_none(result, "bytes_per_dump", "no dump was complete");
	}
}

static void netlink_teardown(struct run *run)
{
	struct netlink_run *own = run->workload;

	if (!own)
		return;
	netlink_hold_close(&own->hold);
	netlink_set_free(&own->expected);
	free(own);
	run->workload = NULL;
	run->world = NULL;
}

const struct workload_ops workload_netlink = {
	.name = "netlink",
	.help = "full dumps of a namespace's TCP sockets by SOCK_DIAG_BY_FAMILY",
	.op_name = "dump",
	.payload_max = 1 << 20, /* carried, never looked at: a dump asks without one */
	.params = netlink_params,
	.config_size = sizeof(struct netlink_config),
	.metrics = netlink_metrics,
	.check_cell = netlink_check_cell,
	.setup = netlink_setup,
	.lane_open = netlink_lane_open,
	.next = netlink_next,
	.check = netlink_check,
	.verify = netlink_verify,
	.report = netlink_report,
	.lane_close = netlink_lane_close,
	.teardown = netlink_teardown,
};
