// SPDX-License-Identifier: MIT
/*
 * wal/group: group commit by leader and followers, with a mutex and condition variables, as in the
 * logs of databases. Producers queue their records per partition; the first one that finds no
 * leader takes the whole queue, writes it in one go and flushes, while the next group gathers
 * behind it.
 *
 * When a leader has finished it first wakes the owner of the oldest queued record, so that the next
 * flush starts at once, and then the followers, each by a condition of its own: a shared one would
 * wake everybody for every group. A nudge is only a hint: whoever is awake and finds records of its
 * own queued without a leader leads. With the knob `spin` a
 * follower first yields its CPU for a while, as on the ring, so that the two differ in the ring
 * only. Order: the queue is FIFO and one group is out at a time.
 *
 * Locks: queue->lock, port->lock, never both.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "targets/targets.h"
#include "targets/wal/wal_knobs.h"
#include "targets/wal/wal_log.h"
#include "targets/wal/wal_stats.h"

struct port;

struct node {
	struct node *next;
	struct op *op;
	struct port *port;
};

struct list {
	struct node *head, **tail; /* tail valid after list_init */
	unsigned n;
};

/* One lane's waiting place. */
struct port {
	_Alignas(128) pthread_mutex_t lock;
	pthread_cond_t cond;
	struct list done;
	_Atomic bool stirred; /* something is done, or a partition of ours may want a leader */
	struct node *nodes;   /* [depth] */
	unsigned *pending; /* [partitions], records of ours that are not reaped; the lane's own */
};

/* One partition. */
struct queue {
	_Alignas(128) pthread_mutex_t lock;
	pthread_cond_t filled; /* batch_limit reached: the leader need not wait for its window */
	struct list waiting;
	bool led;
	struct wal_log *log; /* from here on the leader's */
	struct wal_group group;
	struct wal_stats *stats;
};

struct group {
	const struct wal_group_config *config;
	struct wal_steps steps;
	const struct wal_world *world;
	struct wal_log *logs;
	struct queue *queues; /* [partitions] */
	uint32_t n_queues;    /* initialised */
	struct port *ports;   /* [threads]: outlive their lanes, a leader may still signal them */
	uint32_t n_ports;     /* initialised */
};

static void list_init(struct list *l)
{
	*l = (struct list){.tail = &l->head};
}

static void list_append(struct list *l, struct node *node)
{
	node->next = NULL;
	*l->tail = node;
	l->tail = &node->next;
	l->n++;
}

static struct node *list_pop(struct list *l)
{
	struct node *node = l->head;

	if (!node)
		return NULL;
	l->head = node->next;
	if (!l->head)
		l->tail = &l->head;
	l->n--;
	return node;
}

/* Moves up to `limit` nodes (0 = all) from the front of `from` to the empty `to`. */
static void list_take(struct list *to, struct list *from, uint64_t limit)
{
	list_init(to);
	if (from->head && (!limit || from->n <= limit)) {
		*to = *from;
		list_init(from);
		return;
	}
	while (from->head && to->n < limit)
		list_append(to, list_pop(from));
}

static int cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int r;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	r = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return -r;
}

/* Waits until signalled or `deadline_ns`; false when it has passed. */
static bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ns)
{
	struct timespec ts;

	if (deadline_ns == REAP_FOREVER)
		return pthread_cond_wait(cond, lock) == 0;
	ts = nsec_to_timespec(deadline_ns);
	return pthread_cond_timedwait(cond, lock, &ts) == 0;
}

static void port_nudge(struct port *port)
{
	pthread_mutex_lock(&port->lock);
	port->stirred = true;
	pthread_mutex_unlock(&port->lock);
	pthread_cond_signal(&port->cond);
}

/* Hands the group back, neighbours of one lane under one lock and by one wake-up. */
static void deliver(struct list *batch)
{
	while (batch->head) {
		struct port *port = batch->head->port;

		pthread_mutex_lock(&port->lock);
		while (batch->head && batch->head->port == port)
			list_append(&port->done, list_pop(batch));
		port->stirred = true;
		pthread_mutex_unlock(&port->lock);
		pthread_cond_signal(&port->cond);
	}
}

/* Writes and flushes what is in batch. The leader only; no lock held. */
static void commit(struct group *t, struct queue *q, const struct list *batch)
{
	const struct wal_steps *steps = &t->steps;
	uint64_t start = nsec_now();
	int r = 0;

	wal_group_clear(&q->group);
	for (struct node *n = batch->head; n; n = n->next) {
		wal_stats_queued(q->stats, t->world, n->op, start);
		wal_group_add(&q->group, q->log, n->op->data, n->op->len);
	}
	if (steps->flush_before)
		r = wal_stats_flush(q->stats, t->world, q->log->flush_fd);
	if (r == 0)
		r = wal_group_write(&q->group, q->log, steps->write_flags);
	if (r == 0 && steps->flush_after)
		r = wal_stats_flush(q->stats, t->world, q->log->flush_fd);
	wal_stats_durable(q->stats, t->world, batch->n,
			  wal_steps_flushes(steps, q->group.n_extents), nsec_now() - start);
	for (struct node *n = batch->head; n; n = n->next)
		n->op->result = r < 0 ? r : (int32_t)n->op->len;
}

/* Called with q->lock held by the lane that has just set q->led. */
static void wait_for_window(const struct wal_group_config *c, struct queue *q)
{
	uint64_t deadline = nsec_now() + c->window_ns;

	while (!c->batch_limit || q->waiting.n < c->batch_limit)
		if (!cond_wait_until(&q->filled, &q->lock, deadline))
			return;
}

/* Leads one group if the partition has records and no leader. */
static bool lead(struct group *t, struct queue *q)
{
	struct port *next = NULL;
	struct list batch;

	pthread_mutex_lock(&q->lock);
	if (q->led || !q->waiting.head) {
		pthread_mutex_unlock(&q->lock);
		return false;
	}
	q->led = true;
	if (t->config->window_ns)
		wait_for_window(t->config, q);
	list_take(&batch, &q->waiting, t->config->batch_limit);
	pthread_mutex_unlock(&q->lock);

	commit(t, q, &batch);

	pthread_mutex_lock(&q->lock);
	q->led = false;
	if (q->waiting.head)
		next = q->waiting.head->port;
	pthread_mutex_unlock(&q->lock);
	if (next)
		port_nudge(next);
	deliver(&batch);
	return true;
}

static bool lead_any(struct group *t, const struct port *port)
{
	bool led = false;

	for (uint32_t p = 0; p < t->n_queues; p++)
		if (port->pending[p])
			led |= lead(t, &t->queues[p]);
	return led;
}

static int group_submit(struct lane *lane, struct op **ops, unsigned n)
{
	struct group *t = lane->run->target;
	struct port *port = lane->target;
	uint64_t limit = t->config->batch_limit;

	for (unsigned i = 0; i < n;) {
		uint64_t partition = ops[i]->addr;
		struct queue *q = &t->queues[partition];
		bool filled;

		pthread_mutex_lock(&q->lock);
		for (; i < n && ops[i]->addr == partition; i++) {
			port->nodes[ops[i]->slot].op = ops[i];
			list_append(&q->waiting, &port->nodes[ops[i]->slot]);
			port->pending[partition]++;
		}
		filled = limit && q->led && q->waiting.n >= limit;
		pthread_mutex_unlock(&q->lock);
		if (filled)
			pthread_cond_signal(&q->filled);
	}
	return (int)n;
}

static unsigned take_done(struct port *port, struct op **done, unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&port->lock);
	while (n < max && port->done.head) {
		done[n] = list_pop(&port->done)->op;
		port->pending[done[n++]->addr]--;
	}
	port->stirred = port->done.head;
	pthread_mutex_unlock(&port->lock);
	return n;
}

/* Waits until something is done or a partition may want us, first awake and then asleep; false at
 * the deadline. Whoever is stirred looks for both (take_done, lead_any) before it waits again. */
static bool port_wait(struct port *port, uint64_t spin_ns, uint64_t deadline_ns)
{
	uint64_t spin_until = spin_ns ? min_of(nsec_now() + spin_ns, deadline_ns) : 0;
	bool in_time = true;

	while (!port->stirred && spin_until && nsec_now() < spin_until)
		sched_yield();
	pthread_mutex_lock(&port->lock);
	while (in_time && !port->stirred)
		in_time = cond_wait_until(&port->cond, &port->lock, deadline_ns);
	pthread_mutex_unlock(&port->lock);
	return in_time;
}

/* A lane that finds its own records queued leads even if it was told not to wait, for otherwise a
 * lane that only polls would never get anything done: as with any target that works in our calls.
 */
static int group_reap(struct lane *lane, struct op **done, unsigned min, unsigned max,
		      uint64_t timeout_ns)
{
	struct group *t = lane->run->target;
	struct port *port = lane->target;
	uint64_t deadline = REAP_FOREVER;
	unsigned n = 0;

	if (timeout_ns && timeout_ns != REAP_FOREVER)
		deadline = nsec_now() + timeout_ns;
	for (;;) {
		n += take_done(port, done + n, max - n);
		if (n && n >= min)
			return (int)n;
		if (lead_any(t, port))
			continue;
		if (n >= min || !timeout_ns || !port_wait(port, t->config->spin_ns, deadline))
			return (int)(n + take_done(port, done + n, max - n));
	}
}

static int group_lane_open(struct lane *lane)
{
	struct group *t = lane->run->target;

	lane->target = &t->ports[lane->index];
	return 0;
}

static void group_lane_close(struct lane *lane)
{
	lane->target = NULL;
}

static int port_init(struct port *port, uint32_t n_queues, uint64_t depth)
{
	int r;

	*port = (struct port){.nodes = calloc(depth, sizeof(*port->nodes)),
			      .pending = calloc(n_queues, sizeof(*port->pending))};
	list_init(&port->done);
	pthread_mutex_init(&port->lock, NULL);
	r = cond_init(&port->cond);
	if (r < 0 || !port->nodes || !port->pending)
		return r < 0 ? r : -ENOMEM;
	for (uint64_t i = 0; i < depth; i++)
		port->nodes[i].port = port;
	return 0;
}

static void port_destroy(struct port *port)
{
	pthread_mutex_destroy(&port->lock);
	pthread_cond_destroy(&port->cond);
	free(port->nodes);
	free(port->pending);
}

static int queue_init(struct queue *q, struct wal_log *log, unsigned max_records)
{
	int r;

	*q = (struct queue){.log = log, .stats = wal_stats_new()};
	list_init(&q->waiting);
	pthread_mutex_init(&q->lock, NULL);
	r = cond_init(&q->filled);
	if (r == 0)
		r = wal_group_init(&q->group, max_records);
	return r < 0 ? r : q->stats ? 0 : -ENOMEM;
}

static void queue_destroy(struct queue *q)
{
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->filled);
	wal_group_free(&q->group);
	free(q->stats);
}

static int group_init(struct group *t, const struct axes *axes)
{
	uint32_t partitions = t->world->partitions;
	int r = 0;

	t->queues = aligned_alloc(_Alignof(struct queue), partitions * sizeof(*t->queues));
	t->ports = aligned_alloc(_Alignof(struct port), axes->threads * sizeof(*t->ports));
	if (!t->queues || !t->ports)
		return -ENOMEM;
	for (uint32_t p = 0; r == 0 && p < partitions; p++)
		r = queue_init(&t->queues[t->n_queues++], &t->logs[p],
			       (unsigned)(axes->threads * axes->depth));
	for (uint64_t i = 0; r == 0 && i < axes->threads; i++)
		r = port_init(&t->ports[t->n_ports++], partitions, axes->depth);
	return r;
}

static int group_setup(struct run *run)
{
	struct group *t = run->target = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_sys(&run->err, -ENOMEM, "wal target");
	t->config = run->target_config;
	t->world = run->world;
	((struct wal_world *)run->world)->writes_through =
		t->config->direct && t->config->flush == WAL_FLUSH_DSYNC;
	t->steps = wal_group_steps(t->config);
	r = wal_logs_open(run, t->config->direct, &t->steps, &t->logs);
	if (r < 0)
		return r;
	r = group_init(t, run->axes);
	return r < 0 ? err_sys(&run->err, r, "wal target") : 0;
}

static void group_report(struct run *run, struct result *result)
{
	struct group *t = run->target;

	for (uint32_t p = 1; p < t->n_queues; p++)
		wal_stats_merge(t->queues[0].stats, t->queues[p].stats);
	wal_stats_report(result, t->queues[0].stats,
			 t->config->flush == WAL_FLUSH_DSYNC ? WAL_FSYNC_IN_WRITE
							     : WAL_FSYNC_CALLED);
}

static void group_teardown(struct run *run)
{
	struct group *t = run->target;

	if (!t)
		return;
	for (uint32_t p = 0; p < t->n_queues; p++)
		queue_destroy(&t->queues[p]);
	for (uint32_t i = 0; i < t->n_ports; i++)
		port_destroy(&t->ports[i]);
	wal_logs_close(run, t->logs);
	free(t->ports);
	free(t->queues);
	free(t);
	run->target = NULL;
}

const struct target_ops target_wal_group = {
	.workload = "wal",
	.name = "group",
	.help = "group commit by leader and followers: mutex, condition variables, one write and flush",
	.params = wal_group_params,
	.config_size = sizeof(struct wal_group_config),
	.metrics = wal_target_metrics,
	.check_cell = wal_group_check,
	.setup = group_setup,
	.lane_open = group_lane_open,
	.submit = group_submit,
	.reap = group_reap,
	.lane_close = group_lane_close,
	.report = group_report,
	.teardown = group_teardown,
};
