// SPDX-License-Identifier: MIT
/*
 * Isolation: what a run can be shut into. Namespaces are tried in a forked child that ends at once;
 * a control group is made below our own and removed again.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/mount.h"

#define GROUP_PATH_MAX 1024

static int try_unshare(void *arg)
{
	return unshare(*(const int *)arg) ? -errno : 0;
}

static const struct {
	const char *name;
	int flags;
	const char *cost;
} namespaces[] = {
	{"user namespace", CLONE_NEWUSER,
	 "without root there is no other namespace, so no network workloads"},
	{"PID namespace", CLONE_NEWPID,
	 "what a run forks can outlive it when uhbench itself is killed"},
	{"network namespace", CLONE_NEWNET, "netlink and udp over veth cannot run"},
	{"mount namespace", CLONE_NEWNS, "a run sees and can change the mounts of the host"},
};

static const char *namespace_remedy(int r)
{
	uint64_t value;

	if (!fs_read_u64("/proc/sys/kernel/unprivileged_userns_clone", &value) && !value)
		return "sysctl kernel.unprivileged_userns_clone=1, or run as root";
	if (!fs_read_u64("/proc/sys/user/max_user_namespaces", &value) && !value)
		return "sysctl user.max_user_namespaces=10000, or run as root";
	if (r == -EINVAL)
		return "boot a kernel that is built with it";
	return "run as root; in a container, with --privileged";
}

static void report_namespaces(cJSON *findings)
{
	for (size_t i = 0; i < array_size(namespaces); i++) {
		int alone = namespaces[i].flags, within = alone | CLONE_NEWUSER;
		int r = doctor_try(try_unshare, &alone), r_within = r;

		if (r)
			r_within = doctor_try(try_unshare, &within);
		if (!r_within)
			doctor_add(findings, namespaces[i].name, DOCTOR_OK, "%s",
				   r ? "inside a user namespace" : "can be made");
		else
			doctor_advise(doctor_add(findings, namespaces[i].name, DOCTOR_MISSING,
						 "unshare: %s", strerror(-r)),
				      namespaces[i].cost, namespace_remedy(r));
	}
}

/* Where this process sits in the unified hierarchy. */
static int own_group(char path[GROUP_PATH_MAX])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	_cleanup_free_ char *line = NULL;
	struct mount m;
	size_t size = 0;

	if (mount_of_type("cgroup2", &m))
		return -ENOENT;
	while (f && getline(&line, &size, f) > 0) {
		if (strncmp(line, "0::", 3))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(path, GROUP_PATH_MAX, "%s%s", m.point, line + 3);
		return 0;
	}
	return -ENOENT;
}

static void report_group_features(cJSON *findings, const char *group)
{
	char path[GROUP_PATH_MAX + 64], text[256] = "";

	snprintf(path, sizeof(path), "%s/cgroup.kill", group);
	if (!access(path, W_OK))
		doctor_add(findings, "cgroup.kill", DOCTOR_OK, "there");
	else
		doctor_advise(
			doctor_add(findings, "cgroup.kill", DOCTOR_MISSING, "%s", strerror(errno)),
			"a run is ended by its PID namespace alone", "Linux 5.14 or newer");
	snprintf(path, sizeof(path), "%s/cgroup.controllers", group);
	if (fs_read(path, text, sizeof(text)) > 1) {
		text[strcspn(text, "\n")] = '\0';
		doctor_add(findings, "cgroup controllers", DOCTOR_OK, "%s", text);
	} else {
		doctor_advise(doctor_add(findings, "cgroup controllers", DOCTOR_WARNING, "none"),
			      "no limits for memory or CPU; killing and accounting work", NULL);
	}
}

static void report_cgroup(cJSON *findings)
{
	char own[GROUP_PATH_MAX], group[GROUP_PATH_MAX + 32];

	if (own_group(own)) {
		doctor_advise(doctor_add(findings, "cgroup v2", DOCTOR_MISSING, "not mounted"),
			      "a run is ended by its PID namespace alone",
			      "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return;
	}
	snprintf(group, sizeof(group), "%s/uhbench-doctor-%d", own, (int)getpid());
	if (mkdir(group, 0755)) {
		doctor_advise(doctor_add(findings, "cgroup v2", DOCTOR_MISSING, "mkdir in %s: %s",
					 own, strerror(errno)),
			      "a run is ended by its PID namespace alone",
			      "run as root, or under systemd-run --user --scope -p Delegate=yes");
		return;
	}
	doctor_add(findings, "cgroup v2", DOCTOR_OK, "groups can be made in %s", own);
	report_group_features(findings, group);
	rmdir(group);
}

static void report_pressure(cJSON *findings)
{
	char text[256];

	if (fs_read("/proc/pressure/cpu", text, sizeof(text)) > 0)
		doctor_add(findings, "pressure (PSI)", DOCTOR_OK, "there");
	else
		doctor_advise(
			doctor_add(findings, "pressure (PSI)", DOCTOR_MISSING, "no /proc/pressure"),
			"records do not say how much others waited for CPU and disk",
			"boot with psi=1");
}

void doctor_isolation(cJSON *findings, const char *dir)
{
	(void)dir;
	report_namespaces(findings);
	report_cgroup(findings);
	report_pressure(findings);
}
