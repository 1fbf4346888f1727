// SPDX-License-Identifier: MIT
/*
 * One loop: the stream, a word to stop, and the clock. The thread alone touches what it gathers
 * until it has been joined; only `done` and `runs` are looked at meanwhile.
 */
#include "harness/vm/cutter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/util/acks.h"
#include "harness/util/cleanup.h"
#include "harness/util/nsec.h"

#define STREAM_MAX  ((size_t)256 << 20)
#define STREAM_STEP ((size_t)64 << 10)

enum { OURS, ITS };

struct cutter {
	struct cutter_options o;
	struct volatile_disk *disk;
	struct rng rng;
	int port[2], stop, wake, images;
	pthread_t thread;
	bool running;
	_Atomic bool done;

	char *text;
	size_t len, room, looked; /* looked: whole lines that were counted */
	_Atomic unsigned runs;	  /* that acknowledged something */
	unsigned run_cuts;	  /* of the newest run */
	bool acked;		  /* the newest run has acknowledged something */
	uint64_t first_ns;	  /* when it first did */
	uint64_t due_ns;	  /* of the next cut; 0: none */
	struct cut *cuts;
	unsigned n;
	int result;
	struct err err;
};

static uint64_t draw(struct cutter *c)
{
	return c->o.after_ns + rng_below(&c->rng, c->o.until_ns - c->o.after_ns + 1);
}

/* A whole line of the stream. */
static void look_at(struct cutter *c, char first)
{
	if (first == '#') {
		c->acked = false;
		c->due_ns = 0;
		c->run_cuts = 0;
		return;
	}
	if (!c->acked) {
		c->acked = true;
		c->first_ns = nsec_now();
		c->runs++;
	}
	if (!c->due_ns && c->run_cuts < c->o.cuts && c->n < CUTTER_MAX)
		c->due_ns = nsec_now() + draw(c);
}

static void look_at_new_lines(struct cutter *c)
{
	size_t end = acks_whole(c->text, c->len);

	while (c->looked < end) {
		const char *eol = memchr(c->text + c->looked, '\n', end - c->looked);

		look_at(c, c->text[c->looked]);
		c->looked = (size_t)(eol - c->text) + 1;
	}
}

static int make_room(struct cutter *c)
{
	size_t room = c->room ? 2 * c->room : 16 * STREAM_STEP;
	char *text;

	if (c->len + STREAM_STEP <= c->room)
		return 0;
	if (room > STREAM_MAX)
		return err_set(&c->err, -EFBIG, "more than %zu MiB of acknowledgements",
			       STREAM_MAX >> 20);
	text = realloc(c->text, room);
	if (!text)
		return err_set(&c->err, -ENOMEM, "acknowledgements: out of memory");
	c->text = text;
	c->room = room;
	return 0;
}

/* All that has come by now. */
static int drain(struct cutter *c)
{
	for (;;) {
		int r = make_room(c);
		ssize_t n;

		if (r)
			return r;
		n = recv(c->port[OURS], c->text + c->len, STREAM_STEP, MSG_DONTWAIT);
		if (n > 0)
			c->len += (size_t)n;
		else if (n == 0 || errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return err_sys(&c->err, -errno, "acknowledgements");
	}
}

static int cut(struct cutter *c)
{
	struct cut *cuts = reallocarray(c->cuts, c->n + 1, sizeof(*cuts)), *now;
	uint64_t at = c->n * c->o.disk_bytes;
	int r;

	if (!cuts)
		return err_set(&c->err, -ENOMEM, "cut: out of memory");
	c->cuts = cuts;
	now = &cuts[c->n];
	*now = (struct cut){.run_ns = nsec_now() - c->first_ns, .run = c->runs - 1, .acks = c->len};
	r = ftruncate(c->images, (off_t)(at + c->o.disk_bytes)) ? -errno : 0;
	if (!r)
		r = volatile_disk_cut(c->disk, &c->rng, c->images, at, &now->fate);
	if (r)
		return err_sys(&c->err, r, "the image of cut %u (in TMPDIR, or /tmp)", c->n + 1);
	c->n++;
	c->run_cuts++;
	c->due_ns = 0;
	return 0;
}

/* The time has come: reads first, since what is there was acknowledged before the cut. */
static int cut_now(struct cutter *c)
{
	int r = drain(c);

	if (r)
		return r;
	look_at_new_lines(c);
	if (!c->due_ns) /* a new run has begun */
		return 0;
	r = cut(c);
	if (!r && c->o.cuts == 1) {
		c->done = true;
		r = eventfd_write(c->wake, 1) ? err_sys(&c->err, -errno, "eventfd") : 0;
	}
	return r;
}

static int sleep_ms(const struct cutter *c)
{
	uint64_t now = nsec_now();

	if (!c->due_ns)
		return -1;
	return c->due_ns <= now ? 0 : (int)((c->due_ns - now) / NSEC_PER_MSEC + 1);
}

static void *cutter_main(void *arg)
{
	struct cutter *c = arg;

	while (!c->result && !c->done) {
		struct pollfd fds[] = {{c->port[OURS], POLLIN, 0}, {c->stop, POLLIN, 0}};

		if (poll(fds, array_size(fds), sleep_ms(c)) < 0 && errno != EINTR)
			c->result = err_sys(&c->err, -errno, "acknowledgements");
		if (fds[1].revents)
			break;
		if (!c->result && fds[0].revents)
			c->result = drain(c);
		if (!c->result)
			look_at_new_lines(c);
		if (!c->result && c->due_ns && nsec_now() >= c->due_ns)
			c->result = cut_now(c);
	}
	if (c->result) { /* nobody reads any more: the machine shall not go on for nothing */
		c->done = true;
		if (eventfd_write(c->wake, 1))
			return NULL; /* it is asked a few times a second, too */
	}
	return NULL;
}

static int start_thread(struct cutter *c)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = -pthread_create(&c->thread, NULL, cutter_main, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	c->running = !r;
	return r;
}

int cutter_start(const struct cutter_options *o, struct volatile_disk *disk, struct cutter **ret,
		 struct err *err)
{
	struct cutter *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return err_set(err, -ENOMEM, "out of memory");
	*c = (struct cutter){.o = *o, .disk = disk, .port = {-1, -1}};
	rng_seed(&c->rng, o->seed);
	c->stop = eventfd(0, EFD_CLOEXEC);
	c->wake = eventfd(0, EFD_CLOEXEC);
	c->images = volatile_file(0, err);
	if (c->images < 0)
		r = c->images;
	else if (c->stop < 0 || c->wake < 0 ||
		 socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->port))
		r = err_sys(err, -errno, "acknowledgements");
	if (!r && (r = start_thread(c)))
		err_sys(err, r, "acknowledgements");
	if (!r)
		*ret = c;
	else
		cutter_free(c);
	return r;
}

int cutter_stop(struct cutter *c, struct err *err)
{
	if (c->running) {
		if (eventfd_write(c->stop, 1))
			return err_sys(err, -errno, "eventfd");
		pthread_join(c->thread, NULL);
		c->running = false;
	}
	if (c->result)
		*err = c->err;
	return c->result;
}

void cutter_free(struct cutter *c)
{
	struct err ignored;

	if (!c)
		return;
	cutter_stop(c, &ignored);
	cleanup_close(&c->port[OURS]);
	cleanup_close(&c->port[ITS]);
	cleanup_close(&c->stop);
	cleanup_close(&c->wake);
	cleanup_close(&c->images);
	free(c->text);
	free(c->cuts);
	free(c);
}

int cutter_port(const struct cutter *c)
{
	return c->port[ITS];
}

bool cutter_is_done(void *arg)
{
	struct cutter *c = arg;

	return c->done;
}

int cutter_wake_fd(const struct cutter *c)
{
	return c->wake;
}

const struct cut *cutter_cuts(const struct cutter *c, unsigned *ret_n)
{
	*ret_n = c->n;
	return c->cuts;
}

unsigned cutter_runs(const struct cutter *c)
{
	return c->runs;
}

void cutter_each_run(const struct cutter *c, cutter_run_fn fn, void *arg)
{
	const char *at = c->text, *end = at + acks_whole(c->text, c->len), *head = NULL;
	bool acked = false;
	int run = -1;

	for (; at < end; at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1) {
		if (*at != '#') {
			run += !acked;
			acked = true;
			continue;
		}
		if (head)
			fn(arg, head, acked ? run : -1);
		head = at;
		acked = false;
	}
	if (head)
		fn(arg, head, acked ? run : -1);
}

const char *cutter_acks(const struct cutter *c, size_t *ret_len)
{
	*ret_len = c->len;
	return c->text;
}

int cutter_images(const struct cutter *c)
{
	return c->images;
}
