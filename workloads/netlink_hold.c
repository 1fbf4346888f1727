// SPDX-License-Identifier: MIT
/*
 * Holders of the netlink workload's sockets. Each child opens its share of the plan, reports one
 * struct err through its pipe (empty: all open) and sleeps until it is killed. For connected
 * sockets all children connect to one listener that the caller made, and each accepts as often as
 * it connected; who accepts which connection does not matter, since all ends stay open. The
 * listener is closed before the first dump. SO_LINGER 0 makes the end an RST, so nothing lingers in
 * TIME_WAIT.
 */
#include "workloads/netlink_hold.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "workloads/netlink_set.h"

#define DESCRIPTORS_KEPT 16 /* of a child's limit, for what is not a planned socket */
#define BACKLOG		 4096

enum { REPORT_FD = 3, LISTENER_FD, FIRST_OTHER_FD };

struct share {
	const struct netlink_config *config;
	uint64_t first, end; /* sockets of the plan; pairs are never split */
};

static struct sockaddr_in to_sockaddr(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = addr, .sin_port = port};
}

static int bound_socket(uint32_t addr, uint16_t port, int *ret)
{
	struct sockaddr_in sa = to_sockaddr(addr, port);
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

static int open_listener(uint32_t addr, uint16_t port, int backlog, int *ret)
{
	_cleanup_close_ int fd = -1;
	int rc = bound_socket(addr, port, &fd);

	if (rc < 0)
		return rc;
	if (listen(fd, backlog) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

/* One pair: both descriptors stay open until the process ends. */
static int open_pair(const struct netlink_key *client)
{
	struct sockaddr_in to = to_sockaddr(client->dst[0], client->dport);
	int fd = -1, rc;

	rc = bound_socket(client->src[0], client->sport, &fd);
	if (rc < 0)
		return rc;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	if (accept4(LISTENER_FD, NULL, NULL, SOCK_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static int open_share(const struct share *share, struct err *err)
{
	const bool connected = share->config->state == NETLINK_TCP_CONNECTED;
	char addr[INET_ADDRSTRLEN];

	for (uint64_t i = share->first; i < share->end; i += connected ? 2 : 1) {
		struct netlink_key key = netlink_set_socket(share->config, i);
		int fd = -1, rc;

		rc = connected ? open_pair(&key) : open_listener(key.src[0], key.sport, 1, &fd);
		if (rc < 0)
			return err_sys(
				err, rc, "%s socket %s:%u", connected ? "connected" : "listening",
				inet_ntop(AF_INET, key.src, addr, sizeof(addr)), ntohs(key.sport));
	}
	return 0;
}

/* Leaves only the report pipe and the listener open, at known numbers: a child that kept, say, the
 * pipe on which our parent waits for a record would keep it open after our death. */
static int keep_descriptors(int report, int listener)
{
	_cleanup_close_ int high_report = fcntl(report, F_DUPFD, FIRST_OTHER_FD);
	_cleanup_close_ int high_listener = fcntl(listener, F_DUPFD, FIRST_OTHER_FD);
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (high_report < 0 || null < 0 || (listener >= 0 && high_listener < 0))
		return -errno;
	for (int fd = 0; fd <= 2; fd++)
		if (null != fd && dup2(null, fd) < 0)
			return -errno;
	if (dup2(high_report, REPORT_FD) < 0)
		return -errno;
	if (listener >= 0 && dup2(high_listener, LISTENER_FD) < 0)
		return -errno;
	return 0;
}

static int hold(const struct share *share, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, -errno, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, -errno, "setrlimit");
	return open_share(share, err);
}

/* The holder's one word: an empty text says that all is open. */
static void say(int report, const struct err *err)
{
	if (write(report, err, sizeof(*err)) != sizeof(*err))
		_exit(1);
}

__attribute__((noreturn)) static void holder_main(const struct share *share, pid_t parent,
						  int report, int listener)
{
	struct err err = {0};
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "uhb-sockets");
	if (getppid() != parent)
		_exit(1);
	rc = keep_descriptors(report, listener);
	if (rc < 0) {
		err_sys(&err, rc, "descriptors of a socket holder");
		say(report, &err);
		_exit(1);
	}
	close_range(listener >= 0 ? FIRST_OTHER_FD : LISTENER_FD, ~0u, 0);
	rc = hold(share, &err);
	if (listener >= 0)
		close(LISTENER_FD);
	say(REPORT_FD, &err);
	if (rc < 0)
		_exit(1);
	close(REPORT_FD);
	for (;;)
		pause();
}

static int start_holder(const struct share *share, int listener, pid_t *ret_pid, int *ret_report,
			struct err *err)
{
	pid_t parent = getpid(), pid;
	_cleanup_close_ int rd = -1, wr = -1;
	sigset_t all, old;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, -errno, "pipe of a socket holder");
	rd = fds[0];
	wr = fds[1];
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		holder_main(share, parent, wr, listener);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return err_sys(err, -errno, "fork of a socket holder");
	*ret_pid = pid;
	*ret_report = take_fd(rd);
	return 0;
}

/* Takes the holder's word; its text becomes ours. */
static int await_holder(int report, struct err *err)
{
	struct err said = {0};
	ssize_t n;

	do {
		n = read(report, &said, sizeof(said));
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(said))
		return err_set(err, -EIO, "a socket holder died before all its sockets were open");
	if (said.text[0])
		return err_set(err, -EIO, "%s", said.text);
	return 0;
}

static uint64_t allowed_by_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max <= 2 * DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT;
	return limit.rlim_max - DESCRIPTORS_KEPT;
}

static int open_all(const struct netlink_config *config, uint64_t per_process, int listener,
		    struct netlink_hold *hold, struct err *err)
{
	unsigned n = (unsigned)((config->sockets + per_process - 1) / per_process);
	_cleanup_free_ int *reports = calloc(n, sizeof(*reports));
	int rc = 0;

	hold->pids = calloc(n, sizeof(*hold->pids));
	if (!reports || !hold->pids)
		return err_sys(err, -ENOMEM, "%u socket holders", n);
	for (unsigned i = 0; i < n && rc == 0; i++) {
		struct share share = {config, i * per_process,
				      min_of((i + 1) * per_process, config->sockets)};

		rc = start_holder(&share, listener, &hold->pids[i], &reports[i], err);
		if (rc == 0)
			hold->n++;
	}
	for (unsigned i = 0; i < hold->n; i++) {
		if (rc == 0)
			rc = await_holder(reports[i], err);
		close(reports[i]);
	}
	return rc;
}

int netlink_hold_open(const struct netlink_config *config, uint64_t per_process,
		      struct netlink_hold *ret, struct err *err)
{
	struct netlink_hold hold = {0};
	_cleanup_close_ int listener = -1;
	int rc = 0;

	if (!per_process)
		per_process = allowed_by_limit();
	per_process = max_of(per_process & ~1ull, 2ull); /* a pair stays together */
	if (config->state == NETLINK_TCP_CONNECTED)
		rc = open_listener(htonl(NETLINK_SERVER_ADDR), htons(NETLINK_SERVER_PORT), BACKLOG,
				   &listener);
	if (rc < 0)
		return err_sys(err, rc, "listener for the connected sockets");
	rc = open_all(config, per_process, listener, &hold, err);
	if (rc < 0) {
		netlink_hold_close(&hold);
		return rc;
	}
	*ret = hold;
	return 0;
}

void netlink_hold_close(struct netlink_hold *hold)
{
	for (unsigned i = 0; i < hold->n; i++)
		kill(hold->pids[i], SIGKILL);
	for (unsigned i = 0; i < hold->n; i++)
		while (waitpid(hold->pids[i], NULL, 0) < 0 && errno == EINTR)
			;
	free(hold->pids);
	*hold = (struct netlink_hold){0};
}
