// SPDX-License-Identifier: MIT
/*
 * For tests: does things with io_uring whose numbers are known.
 *
 *   cqe_load nop|punt|bad-fd|bad-opcode|link|skip|posted|notif|sqpoll|overflow|shared|rings COUNT
 *
 * One ring of 64 entries (`overflow`: 2, and 4 completions; `rings`: COUNT more), one request in
 * flight unless the name says otherwise; `shared`: one thread submits, another one takes. Exits
 * with 1 when io_uring itself does not say what is expected.
 */
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENTRIES 64
#define POSTED	0x505 /* names the poll that `posted` removes */

static struct io_uring ring;
static sem_t room; /* of `shared`: so many more may be in flight */

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cqe_load: %s\n", what);
	exit(1);
}

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	must(sqe != NULL, "the submission queue is full");
	io_uring_prep_nop(sqe);
	return sqe;
}

/* Submits what is there, waits for n completions, takes them. Every one must give `res`. */
static void go(unsigned n, int res)
{
	int r = io_uring_submit_and_wait(&ring, n);

	must(r >= 0, "submitting");
	for (unsigned i = 0; i < n; i++) {
		struct io_uring_cqe *cqe;

		must(!io_uring_wait_cqe(&ring, &cqe), "waiting");
		must(cqe->res == res, "another result");
		io_uring_cqe_seen(&ring, cqe);
	}
}

static void nop(unsigned i)
{
	(void)i;
	next_sqe();
	go(1, 0);
}

static void punt(unsigned i)
{
	static int fd = -1;

	if (!i) {
		char path[] = "/tmp/cqe_load-XXXXXX";

		fd = mkstemp(path);
		unlink(path);
	}
	io_uring_prep_fsync(next_sqe(), fd, 0);
	go(1, 0);
}

static void bad_fd(unsigned i)
{
	char byte;

	(void)i;
	io_uring_prep_read(next_sqe(), 1000, &byte, 1, 0);
	go(1, -EBADF);
}

/* Refused before it is a request. */
static void bad_opcode(unsigned i)
{
	(void)i;
	next_sqe()->opcode = 120;
	go(1, -EINVAL);
}

static void linked(unsigned i)
{
	(void)i;
	next_sqe()->flags |= IOSQE_IO_LINK;
	next_sqe();
	go(2, 0);
}

static void skip(unsigned i)
{
	(void)i;
	next_sqe()->flags |= IOSQE_CQE_SKIP_SUCCESS;
	next_sqe();
	go(1, 0);
}

/* One request, a completion for each event, and its last one when another request removes it: what
 * is left to the end of the process completes in a worker of the kernel, at any later time. */
static void posted(unsigned count)
{
	int fd = eventfd(0, 0);
	struct io_uring_sqe *sqe = next_sqe();
	struct io_uring_cqe *cqe;
	uint64_t one = 1;

	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	sqe->user_data = POSTED;
	must(io_uring_submit(&ring) == 1, "submitting");
	for (unsigned i = 0; i < count; i++) {
		must(write(fd, &one, sizeof(one)) == sizeof(one), "writing to the eventfd");
		must(!io_uring_wait_cqe(&ring, &cqe), "waiting");
		must(cqe->flags & IORING_CQE_F_MORE, "the multishot poll has ended");
		io_uring_cqe_seen(&ring, cqe);
		must(read(fd, &one, sizeof(one)) == sizeof(one), "reading from the eventfd");
	}
	io_uring_prep_poll_remove(next_sqe(), POSTED);
	must(io_uring_submit(&ring) == 1, "submitting the removal");
	for (unsigned i = 0; i < 2; i++) {
		must(!io_uring_wait_cqe(&ring, &cqe), "waiting for the end");
		must(cqe->res == (cqe->user_data == POSTED ? -ECANCELED : 0), "the removal");
		io_uring_cqe_seen(&ring, cqe);
	}
}

static int connected_to_itself(void)
{
	struct sockaddr_in self = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(self);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	must(fd >= 0 && !bind(fd, (struct sockaddr *)&self, length) &&
		     !getsockname(fd, (struct sockaddr *)&self, &length) &&
		     !connect(fd, (struct sockaddr *)&self, length),
	     "a socket");
	return fd;
}

/* Zero-copy: one completion for the request, and one when its buffer is free. */
static void notif(unsigned i)
{
	static int fd;
	char byte = 0;
	struct io_uring_cqe *cqe;

	if (!i)
		fd = connected_to_itself();
	io_uring_prep_send_zc(next_sqe(), fd, &byte, 1, 0, 0);
	must(io_uring_submit(&ring) == 1, "submitting");
	must(recv(fd, &byte, 1, 0) == 1, "receiving");
	for (unsigned n = 0; n < 2; n++) {
		must(!io_uring_wait_cqe(&ring, &cqe), "waiting");
		must(cqe->flags & IORING_CQE_F_NOTIF || cqe->res == 1, "another result");
		io_uring_cqe_seen(&ring, cqe);
	}
}

/* All before any is taken: there is room for four. */
static void overflow(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		next_sqe();
		must(io_uring_submit(&ring) == 1, "submitting");
	}
	go(count, 0);
}

/* Takes what the other thread submits. */
static void *reap(void *count)
{
	for (unsigned i = 0; i < *(unsigned *)count; i++) {
		struct io_uring_cqe *cqe;

		must(!io_uring_wait_cqe(&ring, &cqe), "waiting");
		must(cqe->res == 0, "another result");
		io_uring_cqe_seen(&ring, cqe);
		sem_post(&room);
	}
	return NULL;
}

/* Every other request goes to a worker: requests are submitted, completed and taken at once. */
static void shared(unsigned count)
{
	pthread_t reaper;

	must(!sem_init(&room, 0, ENTRIES), "a semaphore");
	must(!pthread_create(&reaper, NULL, reap, &count), "starting a thread");
	for (unsigned i = 0; i < count; i++) {
		while (sem_wait(&room))
			must(errno == EINTR, "waiting for room");
		next_sqe()->flags |= i % 2 ? IOSQE_ASYNC : 0;
		must(io_uring_submit(&ring) == 1, "submitting");
	}
	pthread_join(reaper, NULL);
}

/* They live until the end, so that all have addresses of their own. */
static void many_rings(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		must(!io_uring_queue_init(2, &ring, 0), "a ring");
		nop(i);
	}
}

static const struct {
	const char *name;
	void (*one)(unsigned i);
	void (*all)(unsigned count);
} loads[] = {
	{"nop", nop, NULL},	  {"punt", punt, NULL},
	{"bad-fd", bad_fd, NULL}, {"bad-opcode", bad_opcode, NULL},
	{"link", linked, NULL},	  {"skip", skip, NULL},
	{"posted", NULL, posted}, {"overflow", NULL, overflow},
	{"shared", NULL, shared}, {"rings", NULL, many_rings},
	{"notif", notif, NULL},	  {"sqpoll", nop, NULL},
};

int main(int argc, char **argv)
{
	unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

	must(count > 0, "cqe_load KIND COUNT");
	for (unsigned k = 0; k < sizeof(loads) / sizeof(*loads); k++) {
		if (strcmp(argv[1], loads[k].name))
			continue;
		must(!io_uring_queue_init(loads[k].all == overflow ? 2 : ENTRIES, &ring,
					  strcmp(argv[1], "sqpoll") ? 0 : IORING_SETUP_SQPOLL),
		     "a ring");
		for (unsigned i = 0; loads[k].one && i < count; i++)
			loads[k].one(i);
		if (loads[k].all)
			loads[k].all(count);
		return 0;
	}
	must(0, "no such kind");
}
