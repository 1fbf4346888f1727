// SPDX-License-Identifier: MIT
/*
 * Accept, serve, and again. To stop, both sockets are shut down, which ends whatever the thread
 * waits for; the lock keeps a number from being shut down that is another file's by then.
 */
#include "harness/vm/nbd_server.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

struct nbd_server {
	const struct nbd_export *export;
	char name[48];
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;
	int client; /* under the lock; -1: none */
	bool stopping;
	int result; /* the first that was not 0 */
	struct err err;
};

/* The name can be guessed by others of this machine: only our own user is served. */
static bool is_ours(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) && who.uid == geteuid();
}

/* -1 at the end. */
static int next_client(struct nbd_server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	pthread_mutex_lock(&s->lock);
	if (s->stopping)
		cleanup_close(&fd);
	s->client = fd;
	pthread_mutex_unlock(&s->lock);
	return fd;
}

static void drop_client(struct nbd_server *s)
{
	pthread_mutex_lock(&s->lock);
	cleanup_close(&s->client);
	pthread_mutex_unlock(&s->lock);
}

static void *serve(void *arg)
{
	struct nbd_server *s = arg;
	struct err err;
	int fd, r;

	while ((fd = next_client(s)) >= 0) {
		r = is_ours(fd) ? nbd_serve(fd, s->export, &err) : 0;
		if (r < 0 && !s->result) {
			s->result = r;
			s->err = err;
		}
		drop_client(s);
	}
	return NULL;
}

static int listen_at(struct nbd_server *s)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	size_t len = strlen(s->name);

	memcpy(where.sun_path + 1, s->name, len);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)&where,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) ||
	    listen(s->listener, 4))
		return -errno;
	return 0;
}

/* Signals are for the main thread. */
static int start_thread(struct nbd_server *s)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = -pthread_create(&s->thread, NULL, serve, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int nbd_server_start(const struct nbd_export *export, struct nbd_server **ret, struct err *err)
{
	struct nbd_server *s = calloc(1, sizeof(*s));
	uint64_t chance;
	int r;

	if (!s || getrandom(&chance, sizeof(chance), 0) != sizeof(chance)) {
		free(s);
		return err_set(err, -ENOMEM, "nbd: out of memory");
	}
	*s = (struct nbd_server){.export = export, .listener = -1, .client = -1};
	snprintf(s->name, sizeof(s->name), "uhbench-nbd-%016llx", (unsigned long long)chance);
	pthread_mutex_init(&s->lock, NULL);
	r = listen_at(s);
	if (!r)
		r = start_thread(s);
	if (!r) {
		*ret = s;
		return 0;
	}
	cleanup_close(&s->listener);
	free(s);
	return err_sys(err, r, "nbd: cannot serve");
}

const char *nbd_server_name(const struct nbd_server *s)
{
	return s->name;
}

int nbd_server_stop(struct nbd_server *s, struct err *err)
{
	int r;

	if (!s)
		return 0;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	shutdown(s->listener, SHUT_RDWR);
	if (s->client >= 0)
		shutdown(s->client, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	cleanup_close(&s->listener);
	pthread_mutex_destroy(&s->lock);
	r = s->result;
	if (r)
		*err = s->err;
	free(s);
	return r;
}
