// SPDX-License-Identifier: MIT
/*
 * proc(5), read with as few system calls as it takes: one open, read, close for each file. The comm
 * in stat may hold spaces and brackets, so fields are counted from the last closing bracket.
 */
#include "harness/util/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/fs.h"
#include "harness/util/nsec.h"

#define PATH_LEN 96

static uint64_t ticks_to_ns(unsigned long long ticks)
{
	return ticks * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

int procfs_stat(const char *dir, struct proc_thread *t)
{
	unsigned long long minor, major, user, sys, start;
	long long children_user, children_sys;
	char path[PATH_LEN], buf[1024];
	char *open_br, *close_br;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/stat", dir);
	n = fs_read(path, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	open_br = strchr(buf, '(');
	close_br = strrchr(buf, ')');
	if (!open_br || !close_br)
		return -EINVAL;
	*close_br = 0;
	snprintf(t->comm, sizeof(t->comm), "%s", open_br + 1);
	t->tid = atoi(buf);
	if (sscanf(close_br + 2,
		   "%c %d %*d %*d %*d %*d %*u %llu %*u %llu %*u %llu %llu %lld %lld %*d %*d %*d %*d "
		   "%llu",
		   &t->state, &t->ppid, &minor, &major, &user, &sys, &children_user, &children_sys,
		   &start) != 9)
		return -EINVAL;
	t->minor_faults = minor;
	t->major_faults = major;
	t->user_ns = ticks_to_ns(user);
	t->system_ns = ticks_to_ns(sys);
	t->children_ns = ticks_to_ns((unsigned long long)(children_user + children_sys));
	t->start_ns = ticks_to_ns(start);
	return 0;
}

static uint64_t status_field(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

int procfs_thread(const char *dir, struct proc_thread *t)
{
	unsigned long long run = 0, wait = 0;
	char path[PATH_LEN], buf[4096];
	int r = procfs_stat(dir, t);

	if (r)
		return r;
	snprintf(path, sizeof(path), "%s/schedstat", dir);
	r = (int)fs_read(path, buf, sizeof(buf));
	if (r < 0)
		return r;
	if (sscanf(buf, "%llu %llu", &run, &wait) != 2)
		return -EINVAL;
	t->run_ns = run;
	t->run_queue_ns = wait;
	snprintf(path, sizeof(path), "%s/status", dir);
	r = (int)fs_read(path, buf, sizeof(buf));
	if (r < 0)
		return r;
	t->voluntary = status_field(buf, "\nvoluntary_ctxt_switches:");
	t->involuntary = status_field(buf, "\nnonvoluntary_ctxt_switches:");
	return 0;
}

#define NS_PID "\nNSpid:"

/* Ids from the outermost namespace to the innermost, a tab before each. */
static unsigned count_ids(const char *status)
{
	const char *p = strstr(status, NS_PID);
	unsigned n = 0;

	for (p = p ? p + strlen(NS_PID) : ""; *p == '\t'; p += 1 + strcspn(p + 1, "\t\n"))
		n++;
	return n;
}

int procfs_level(unsigned *ret)
{
	char buf[4096];
	ssize_t n = fs_read("/proc/self/status", buf, sizeof(buf));
	unsigned ids;

	if (n < 0)
		return (int)n;
	ids = count_ids(buf);
	*ret = ids ? ids - 1 : 0;
	return 0;
}

int procfs_own_pid(int pid, unsigned level)
{
	char path[PATH_LEN], buf[4096];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (fs_read(path, buf, sizeof(buf)) < 0)
		return 0;
	p = strstr(buf, NS_PID);
	if (!p)
		return pid; /* a kernel without PID namespaces */
	for (p += strlen(NS_PID); *p == '\t' && level; level--)
		p += 1 + strcspn(p + 1, "\t\n");
	return *p == '\t' ? atoi(p + 1) : 0;
}

static int parent_of(int pid, uint64_t since_ns)
{
	struct proc_thread t;
	char dir[32];

	snprintf(dir, sizeof(dir), "/proc/%d", pid);
	return procfs_stat(dir, &t) || t.state == 'Z' || t.start_ns < since_ns ? 0 : t.ppid;
}

bool procfs_descends(int pid, int ancestor, uint64_t since_ns)
{
	int up = pid;

	since_ns -= since_ns % ticks_to_ns(1);
	while (up > 0 && up != ancestor)
		up = parent_of(up, since_ns);
	return up > 0;
}

int procfs_each(const char *dir, int (*fn)(void *arg, int id), void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int r = 0;

	if (!d)
		return -errno;
	while (!r && (e = readdir(d))) {
		char *end;
		long id = strtol(e->d_name, &end, 10);

		if (id >= 0 && !*end) /* 0: a descriptor */
			r = fn(arg, (int)id);
	}
	closedir(d);
	return r;
}

static bool psi_some(const char *path, uint64_t *ret)
{
	unsigned long long total;
	char buf[256];
	const char *p;

	if (fs_read(path, buf, sizeof(buf)) < 0)
		return false;
	p = strstr(buf, "total=");
	if (!p || sscanf(p, "total=%llu", &total) != 1)
		return false;
	*ret = total;
	return true;
}

int procfs_host(struct proc_host *h)
{
	unsigned long long user, nice, sys, irq, softirq, steal;
	char buf[512];
	ssize_t n = fs_read("/proc/stat", buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	if (sscanf(buf, "cpu %llu %llu %llu %*u %*u %llu %llu %llu", &user, &nice, &sys, &irq,
		   &softirq, &steal) != 6)
		return -EINVAL;
	*h = (struct proc_host){.busy_ns = ticks_to_ns(user + nice + sys + irq + softirq),
				.steal_ns = ticks_to_ns(steal)};
	h->has_psi_cpu = psi_some("/proc/pressure/cpu", &h->psi_cpu_us);
	h->has_psi_io = psi_some("/proc/pressure/io", &h->psi_io_us);
	return 0;
}
