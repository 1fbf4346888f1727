// SPDX-License-Identifier: MIT
/*
 * A network namespace is a property of a thread. What has to happen in another one is therefore
 * done by a short-lived thread, which can never bring the caller back to the wrong place because
 * the caller never left.
 */
#include "harness/util/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/rtnl.h"

#define LOOPBACK_IFINDEX 1 /* include/net/net_namespace.h: LOOPBACK_IFINDEX */

struct visit {
	int netns_fd; /* -1: a new namespace, returned in ret_fd */
	int ret_fd;
	int (*fn)(void *arg, struct err *err);
	void *arg;
	struct err *err;
	int ret;
};

static int loopback_up(struct err *err)
{
	_cleanup_(rtnl_closep) struct rtnl *rtnl = NULL;
	int r = rtnl_open(&rtnl, err);

	return r ? r : rtnl_link_up(rtnl, LOOPBACK_IFINDEX, err);
}

int netns_enter_new(struct err *err)
{
	if (!unshare(CLONE_NEWNET))
		return loopback_up(err);
	/* How a kernel without CONFIG_NET_NS answers, unshare(2). */
	if (errno == EINVAL)
		return err_set(err, -EOPNOTSUPP, "this kernel has no network namespaces");
	if (errno == ENOSPC)
		return err_set(err, -EPERM,
			       "no more network namespaces allowed (user.max_net_namespaces)");
	return err_sys(err, -errno, "new network namespace");
}

int netns_self_fd(int *ret_fd, struct err *err)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, -errno, "/proc/thread-self/ns/net");
	*ret_fd = fd;
	return 0;
}

static void *visit_main(void *arg)
{
	struct visit *v = arg;

	if (v->netns_fd < 0) {
		v->ret = netns_enter_new(v->err);
		if (!v->ret)
			v->ret = netns_self_fd(&v->ret_fd, v->err);
	} else if (setns(v->netns_fd, CLONE_NEWNET)) {
		v->ret = err_sys(v->err, -errno, "entering a network namespace");
	} else {
		v->ret = v->fn(v->arg, v->err);
	}
	return NULL;
}

/* Signals stay with the caller: the visitor blocks them all. */
static int visit(struct visit *v)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, visit_main, v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return err_sys(v->err, -r, "thread for a network namespace");
	pthread_join(thread, NULL);
	return v->ret;
}

int netns_new_fd(int *ret_fd, struct err *err)
{
	struct visit v = {.netns_fd = -1, .ret_fd = -1, .err = err};
	int r = visit(&v);

	if (r)
		return r;
	*ret_fd = v.ret_fd;
	return 0;
}

int netns_call(int netns_fd, int (*fn)(void *arg, struct err *err), void *arg, struct err *err)
{
	struct visit v = {.netns_fd = netns_fd, .ret_fd = -1, .fn = fn, .arg = arg, .err = err};

	return visit(&v);
}

static int open_rtnl(void *arg, struct err *err)
{
	return rtnl_open(arg, err);
}

int netns_rtnl(int netns_fd, struct rtnl **ret, struct err *err)
{
	return netns_call(netns_fd, open_rtnl, ret, err);
}
