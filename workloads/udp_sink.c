// SPDX-License-Identifier: MIT
/*
 * The sink must not be what is measured. It never waits inside a receive call, since a waiting
 * reader is woken by the sender's own softirq, once for each datagram, and that is charged to the
 * sender. Instead it empties its sockets by recvmmsg and then naps. The default buffer of
 * 4 MiB takes the nap's datagrams many times over; one that `sink_rcvbuf` makes small fills during
 * a nap and loses what comes then, which is counted as the socket's drops.
 */
#include "workloads/udp_sink.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/role.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"
#include "workloads/udp_datagram.h"
#include "workloads/udp_link.h"
#include "workloads/udp_track.h"

#define BATCH	64u
#define NAP_NS	(100 * NSEC_PER_USEC)
#define LARGEST 65536u

/* Written by one thread, read by any. */
struct published {
	_Atomic uint64_t delivered, duplicated, reordered, corrupted, stale;
	_Atomic int error;
};

struct reader {
	struct udp_sink *sink;
	unsigned index;
	pthread_t thread;
	bool running;
	char *buffers;
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct udp_sink_counts counts;
	struct published published __attribute__((aligned(64)));
};

struct udp_sink {
	struct udp_sink_plan plan;
	struct sockaddr_in *addr;
	int *fds;
	uint64_t rcvbuf_bytes;
	struct udp_track *tracks; /* [sockets], or [sockets][lanes] */
	struct reader *readers;
	_Atomic bool stop;
};

static int open_socket(struct udp_sink *s, unsigned i, struct err *err)
{
	int bytes = (int)s->plan.rcvbuf_bytes, got;
	socklen_t len = sizeof(struct sockaddr_in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, -errno, "socket of sink %u", i);
	s->fds[i] = fd;
	/* Without the privilege the kernel cuts it to net.core.rmem_max; what we got is told. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)))
		return err_sys(err, -errno, "SO_RCVBUF of sink %u", i);
	if (bind(fd, (struct sockaddr *)&s->addr[i], sizeof(s->addr[i])) ||
	    getsockname(fd, (struct sockaddr *)&s->addr[i], &len))
		return err_sys(err, -errno, "address of sink %u", i);
	len = sizeof(got);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len))
		return err_sys(err, -errno, "SO_RCVBUF of sink %u", i);
	s->rcvbuf_bytes = (uint64_t)got / 2;
	return 0;
}

static int open_sockets(void *arg, struct err *err)
{
	struct udp_sink *s = arg;
	int r = 0;

	for (unsigned i = 0; !r && i < s->plan.sockets; i++)
		r = open_socket(s, i, err);
	return r;
}

static int reader_init(struct udp_sink *s, unsigned index)
{
	struct reader *rd = &s->readers[index];
	/* One byte more than the payload shows a datagram that is too long. */
	size_t stride = min_of((s->plan.payload + 64u) & ~63u, LARGEST);

	rd->sink = s;
	rd->index = index;
	rd->buffers = aligned_alloc(64, BATCH * stride);
	if (!rd->buffers)
		return -ENOMEM;
	for (unsigned i = 0; i < BATCH; i++) {
		rd->iov[i] = (struct iovec){rd->buffers + i * stride, stride};
		rd->msgs[i].msg_hdr.msg_iov = &rd->iov[i];
		rd->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

static int allocate(struct udp_sink *s)
{
	int r = 0;

	s->fds = calloc(s->plan.sockets, sizeof(*s->fds));
	s->addr = calloc(s->plan.sockets, sizeof(*s->addr));
	s->tracks = calloc((size_t)s->plan.sockets * (s->plan.own_port ? 1 : s->plan.lanes),
			   sizeof(*s->tracks));
	s->readers = aligned_alloc(64, s->plan.threads * sizeof(*s->readers));
	if (s->readers)
		memset(s->readers, 0, s->plan.threads * sizeof(*s->readers));
	for (unsigned i = 0; s->fds && i < s->plan.sockets; i++)
		s->fds[i] = -1;
	if (!s->fds || !s->addr || !s->tracks || !s->readers)
		return -ENOMEM;
	for (unsigned i = 0; !r && i < s->plan.threads; i++)
		r = reader_init(s, i);
	return r;
}

int udp_sink_open(const struct udp_sink_plan *plan, const struct udp_link *link,
		  struct udp_sink **ret, struct err *err)
{
	struct udp_sink *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_sys(err, -ENOMEM, "sink");
	s->plan = *plan;
	r = allocate(s);
	if (r)
		err_sys(err, r, "sink with %u sockets", plan->sockets);
	for (unsigned i = 0; !r && i < plan->sockets; i++)
		s->addr[i] = (struct sockaddr_in){.sin_family = AF_INET,
						  .sin_addr = udp_link_sink_addr(link)};
	if (!r)
		r = udp_link_at_sink(link, open_sockets, s, err);
	if (r) {
		udp_sink_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

const struct sockaddr_in *udp_sink_addresses(const struct udp_sink *s)
{
	return s->addr;
}

uint64_t udp_sink_rcvbuf_bytes(const struct udp_sink *s)
{
	return s->rcvbuf_bytes;
}

/* The track of a stream that a datagram at this socket claims to be of; NULL if there is none. */
static struct udp_track *track_of(const struct udp_sink *s, unsigned socket,
				  const struct udp_stream *at)
{
	const struct udp_sink_plan *plan = &s->plan;

	if (at->destination != socket || at->lane >= plan->lanes)
		return NULL;
	if (plan->own_port)
		return at->lane == socket ? &s->tracks[socket] : NULL;
	return &s->tracks[(size_t)socket * plan->lanes + at->lane];
}

static void count(struct reader *rd, unsigned socket, const void *data, size_t len)
{
	struct udp_sink_counts *c = &rd->counts;
	const struct udp_sink_plan *plan = &rd->sink->plan;
	struct udp_track *track = NULL;
	struct udp_stream at;

	if (len == plan->payload && !udp_datagram_read(data, len, plan->nonce, &at))
		track = track_of(rd->sink, socket, &at);
	if (!track) {
		c->corrupted++;
		return;
	}
	switch (udp_track_add(track, at.seq)) {
	case UDP_NEW:
		c->delivered++;
		break;
	case UDP_REORDERED:
		c->delivered++;
		c->reordered++;
		break;
	case UDP_DUPLICATE:
		c->duplicated++;
		break;
	case UDP_STALE:
		c->stale++;
		break;
	}
}

static void publish(struct reader *rd)
{
	struct published *p = &rd->published;
	const struct udp_sink_counts *c = &rd->counts;

	atomic_store_explicit(&p->delivered, c->delivered, memory_order_relaxed);
	atomic_store_explicit(&p->duplicated, c->duplicated, memory_order_relaxed);
	atomic_store_explicit(&p->reordered, c->reordered, memory_order_relaxed);
	atomic_store_explicit(&p->corrupted, c->corrupted, memory_order_relaxed);
	atomic_store_explicit(&p->stale, c->stale, memory_order_relaxed);
}

/* Takes one batch from a socket. Returns how many there were, or -errno. */
static int read_batch(struct reader *rd, unsigned socket)
{
	int n = recvmmsg(rd->sink->fds[socket], rd->msgs, BATCH, MSG_DONTWAIT, NULL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		count(rd, socket, rd->iov[i].iov_base, rd->msgs[i].msg_len);
	publish(rd);
	return n;
}

static void *reader_main(void *arg)
{
	struct reader *rd = arg;
	const struct udp_sink *s = rd->sink;

	for (;;) {
		/* Asked first: whatever was sent before the stop is read after it. */
		bool stop = atomic_load(&s->stop), full = false, any = false;

		for (unsigned i = rd->index; i < s->plan.sockets; i += s->plan.threads) {
			int n = read_batch(rd, i);

			if (n < 0) {
				atomic_store(&rd->published.error, n);
				return NULL;
			}
			full |= (unsigned)n == BATCH;
			any |= n > 0;
		}
		if (stop && !any)
			return NULL;
		if (!full)
			nsec_sleep_until(nsec_now() + NAP_NS);
	}
}

int udp_sink_start(struct udp_sink *s, struct run *run)
{
	for (unsigned i = 0; i < s->plan.threads; i++) {
		struct reader *rd = &s->readers[i];
		int r = role_thread_start(run, ROLE_SINK, &rd->thread, reader_main, rd);

		if (r)
			return r;
		rd->running = true;
	}
	return 0;
}

void udp_sink_shut(struct udp_sink *s)
{
	for (unsigned i = 0; i < s->plan.sockets; i++)
		cleanup_close(&s->fds[i]);
}

struct udp_sink_counts udp_sink_counts(const struct udp_sink *s)
{
	struct udp_sink_counts sum = {0};

	for (unsigned i = 0; i < s->plan.threads; i++) {
		const struct published *p = &s->readers[i].published;

		sum.delivered += atomic_load_explicit(&p->delivered, memory_order_relaxed);
		sum.duplicated += atomic_load_explicit(&p->duplicated, memory_order_relaxed);
		sum.reordered += atomic_load_explicit(&p->reordered, memory_order_relaxed);
		sum.corrupted += atomic_load_explicit(&p->corrupted, memory_order_relaxed);
		sum.stale += atomic_load_explicit(&p->stale, memory_order_relaxed);
	}
	return sum;
}

int udp_sink_drops(const struct udp_sink *s, uint64_t *ret, struct err *err)
{
	uint64_t drops = 0;

	for (unsigned i = 0; i < s->plan.sockets; i++) {
		uint32_t info[SK_MEMINFO_VARS] = {0};
		socklen_t len = sizeof(info);

		if (s->fds[i] < 0)
			continue;
		if (getsockopt(s->fds[i], SOL_SOCKET, SO_MEMINFO, info, &len))
			return err_sys(err, -errno, "SO_MEMINFO of sink %u", i);
		drops += info[SK_MEMINFO_DROPS];
	}
	*ret = drops;
	return 0;
}

int udp_sink_error(const struct udp_sink *s, struct err *err)
{
	for (unsigned i = 0; i < s->plan.threads; i++) {
		int r = atomic_load(&s->readers[i].published.error);

		if (r)
			return err_sys(err, r, "sink thread %u", i);
	}
	return 0;
}

void udp_sink_stop(struct udp_sink *s)
{
	atomic_store(&s->stop, true);
	for (unsigned i = 0; i < s->plan.threads; i++)
		if (s->readers[i].running)
			pthread_join(s->readers[i].thread, NULL);
	for (unsigned i = 0; i < s->plan.threads; i++)
		s->readers[i].running = false;
}

void udp_sink_close(struct udp_sink *s)
{
	if (!s)
		return;
	if (s->readers) {
		udp_sink_stop(s);
		for (unsigned i = 0; i < s->plan.threads; i++)
			free(s->readers[i].buffers);
	}
	if (s->fds)
		udp_sink_shut(s);
	free(s->readers);
	free(s->tracks);
	free(s->addr);
	free(s->fds);
	free(s);
}
