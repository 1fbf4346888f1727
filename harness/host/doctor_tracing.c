// SPDX-License-Identifier: MIT
/*
 * Kernel pieces that probes and the block workload build on: tracefs and ublk. "Can be mounted" is
 * found out by mounting, in a mount namespace of a forked child, so that the host sees nothing.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/mount.h"

#define UBLK_CONTROL "/dev/ublk-control"

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

/* Whether a driver lies ready as a module of the running kernel. */
static bool module_exists(const char *file)
{
	static const char *const endings[] = {"", ".xz", ".zst", ".gz"};
	struct utsname u;
	char path[512];

	uname(&u);
	for (size_t i = 0; i < array_size(endings); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/kernel/drivers/block/%s%s", u.release,
			 file, endings[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

static void report_ublk(cJSON *findings)
{
	static const char cost[] = "no ublk devices: block workloads on ublk cannot run";
	_cleanup_close_ int fd = open(UBLK_CONTROL, O_RDWR | O_CLOEXEC);
	cJSON *finding;

	if (fd >= 0) {
		doctor_add(findings, "ublk", DOCTOR_OK, "%s opens", UBLK_CONTROL);
		return;
	}
	finding = doctor_add(findings, "ublk", DOCTOR_MISSING, "%s: %s", UBLK_CONTROL,
			     strerror(errno));
	if (errno == EACCES || errno == EPERM)
		doctor_advise(finding, cost, "run as root");
	else if (module_exists("ublk_drv.ko"))
		doctor_advise(finding, cost, "modprobe ublk_drv");
	else
		doctor_advise(finding, cost,
			      "a kernel with CONFIG_BLK_DEV_UBLK, 6.0 or newer (Debian: "
			      "linux-image-amd64 from bookworm-backports)");
}

void doctor_tracing(cJSON *findings, const char *dir)
{
	(void)dir;
	report_tracefs(findings);
	report_ublk(findings);
}
