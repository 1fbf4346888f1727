// SPDX-License-Identifier: MIT
/*
 * What the counters of a ublk server come to. CPU time and switches are the kernel's own account of
 * the server's threads (the role target); everything else is counted by the server. All are of the
 * window, and for each request that the server answered in it.
 */
#include "targets/ublk/ublk_report.h"

#include "harness/detail_table.h"
#include "targets/block/block_port.h"

const struct metric ublk_metrics[] = {
	BLOCK_PORT_METRICS,
	{"requests_per_enter", "1", BETTER_HIGHER,
	 "requests for each io_uring_enter of the server"},
	{"server_switches_per_io", "1", BETTER_LOWER,
	 "context switches of the server for each request"},
	{"server_cpu_per_io", "ns", BETTER_LOWER, "CPU time of the server for each request"},
	{"contended_per_io", "1", BETTER_LOWER,
	 "how often a request found the lock taken; 0 where there is no lock"},
	{"lock_wait_per_io", "ns", BETTER_LOWER,
	 "from finding the lock taken until it was ours (spinning, then a futex), per request"},
	{"queue_imbalance", "1", BETTER_LOWER,
	 "requests of the busiest queue, over the mean of all queues"},
	METRIC_END,
};

struct ublk_thread_counts ublk_sum_threads(const struct ublk_setup *setup, bool measured)
{
	struct ublk_thread_counts sum = {.enters = 0};

	for (unsigned i = 0; i < setup->threads; i++) {
		const struct ublk_thread_counts *c = &setup->thread_counts[i][measured];

		sum.enters += c->enters;
		sum.lock.taken += c->lock.taken;
		sum.lock.contended += c->lock.contended;
		sum.lock.wait_ns += c->lock.wait_ns;
		sum.faults += c->faults;
	}
	return sum;
}

struct ublk_queue_counts ublk_sum_queue(const struct ublk_setup *setup, unsigned queue,
					bool measured)
{
	unsigned tasks = (unsigned)setup->config->queue_tasks;
	struct ublk_queue_counts sum = {.bytes = 0};

	for (unsigned i = queue * tasks; i < (queue + 1) * tasks; i++) {
		const struct ublk_queue_counts *c = &setup->queue_counts[i][measured];

		for (unsigned op = 0; op < UBLK_OPS; op++)
			sum.ops[op] += c->ops[op];
		sum.bytes += c->bytes;
		sum.errors += c->errors;
	}
	return sum;
}

static uint64_t requests_of(const struct ublk_queue_counts *c)
{
	uint64_t n = 0;

	for (unsigned op = 0; op < UBLK_OPS; op++)
		n += c->ops[op];
	return n;
}

static void add_queue(cJSON *table, const struct ublk_setup *setup, unsigned queue)
{
	struct ublk_queue_counts c = ublk_sum_queue(setup, queue, true);
	const uint64_t values[] = {
		queue,
		requests_of(&c),
		c.ops[UBLK_IO_OP_READ],
		c.ops[UBLK_IO_OP_WRITE],
		c.ops[UBLK_IO_OP_FLUSH],
		c.ops[UBLK_IO_OP_DISCARD],
		c.ops[UBLK_IO_OP_WRITE_ZEROES],
		c.bytes,
		c.errors,
	};
	cJSON *row = detail_row(table);

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		cJSON_AddItemToArray(row, cJSON_CreateNumber((double)values[i]));
}

static cJSON *queue_table(const struct ublk_setup *setup)
{
	cJSON *table = detail_table("queues", "requests that the server answered in the window");

	detail_column(table, "queue", "1", NULL);
	detail_column(table, "completions", "1", NULL);
	detail_column(table, "reads", "1", NULL);
	detail_column(table, "writes", "1", NULL);
	detail_column(table, "flushes", "1", NULL);
	detail_column(table, "discards", "1", NULL);
	detail_column(table, "write_zeroes", "1", NULL);
	detail_column(table, "moved", "bytes", "read and written");
	detail_column(table, "errors", "1", NULL);
	for (unsigned q = 0; q < setup->dev.queues; q++)
		add_queue(table, setup, q);
	cJSON_AddStringToObject(table, "bars", "completions");
	return table;
}

static double usage_of(const cJSON *server, const char *key)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(server, key));
}

/* What the server's process used, the kernel's workers for its ring included. With a second one
 * that waits for its death there are two, and the first answers. */
static void report_usage(struct result *result, double requests, bool followed)
{
	static const char *const ended = "the server ended in the window and took its times along";
	const cJSON *server = cJSON_GetArrayItem(result->processes, 0);
	const char *why = result->no_usage.text;

	if (!why[0] && (followed || !cJSON_HasObjectItem(server, "cpu_ns")))
		why = ended;
	if (why[0]) {
		result_metric_none(result, "server_switches_per_io", why);
		result_metric_none(result, "server_cpu_per_io", why);
		return;
	}
	result_metric(result, "server_switches_per_io",
		      (usage_of(server, "voluntary") + usage_of(server, "involuntary")) / requests);
	result_metric(result, "server_cpu_per_io", usage_of(server, "cpu_ns") / requests);
}

static void report_nothing(struct result *result)
{
	static const char *const names[] = {"requests_per_enter", "server_switches_per_io",
					    "server_cpu_per_io",  "contended_per_io",
					    "lock_wait_per_io",	  "queue_imbalance"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		result_metric_none(result, names[i], "the server answered nothing in the window");
}

void ublk_report(struct result *result, const struct ublk_setup *setup)
{
	struct ublk_thread_counts threads = ublk_sum_threads(setup, true);
	uint64_t all = 0, most = 0;
	double n;

	for (unsigned q = 0; q < setup->dev.queues; q++) {
		struct ublk_queue_counts c = ublk_sum_queue(setup, q, true);

		all += requests_of(&c);
		if (requests_of(&c) > most)
			most = requests_of(&c);
	}
	result_detail(result, "queues", queue_table(setup));
	if (!all) {
		report_nothing(result);
		return;
	}
	n = (double)all;
	result_metric(result, "requests_per_enter", n / (double)threads.enters);
	report_usage(result, n, setup->shared && atomic_load(&setup->shared->recoveries));
	result_metric(result, "contended_per_io", (double)threads.lock.contended / n);
	result_metric(result, "lock_wait_per_io", (double)threads.lock.wait_ns / n);
	result_metric(result, "queue_imbalance", (double)most * setup->dev.queues / n);
}
