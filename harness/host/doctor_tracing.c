// SPDX-License-Identifier: MIT
/*
 * The kernel piece that probes build on: tracefs. "Can be mounted" is found out by mounting, in a
 * mount namespace of a forked child, so that the host sees nothing.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "harness/util/mount.h"

static int try_mount_tracefs(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tracefs", "/tmp", "tracefs", 0, NULL))
		return -errno;
	return 0;
}

static void report_tracefs(cJSON *findings)
{
	static const char cost[] = "no tracepoints by name, no list of what can be traced";
	struct mount m;
	int r;

	if (!mount_of_type("tracefs", &m)) {
		if (!access(m.point, R_OK | X_OK))
			doctor_add(findings, "tracefs", DOCTOR_OK, "mounted on %s", m.point);
		else
			doctor_advise(doctor_add(findings, "tracefs", DOCTOR_MISSING,
						 "mounted on %s, not readable", m.point),
				      cost, "run as root");
		return;
	}
	r = doctor_try(try_mount_tracefs, NULL);
	if (!r)
		doctor_advise(doctor_add(findings, "tracefs", DOCTOR_WARNING,
					 "not mounted, but it can be"),
			      cost, "mount -t tracefs tracefs /sys/kernel/tracing");
	else
		doctor_advise(doctor_add(findings, "tracefs", DOCTOR_MISSING, "not mounted: %s",
					 strerror(-r)),
			      cost,
			      r == -ENODEV
				      ? "boot a kernel with CONFIG_FTRACE=y"
				      : "as root: mount -t tracefs tracefs /sys/kernel/tracing");
}

void doctor_tracing(cJSON *findings, const char *dir)
{
	(void)dir;
	report_tracefs(findings);
}
