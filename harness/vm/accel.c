// SPDX-License-Identifier: MIT
/* One line in the cache: the machine's boot id (/proc/sys/kernel/random/boot_id), and yes or no. */
#include "harness/vm/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/vm/kernel.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static int answer_path(char path[static PATH_MAX])
{
	char cache[PATH_MAX - 8];
	int r = kernel_cache(cache, sizeof(cache), NULL);

	snprintf(path, PATH_MAX, "%s/kvm", r ? "" : cache);
	return r;
}

static int boot_id(char id[static 64])
{
	if (fs_read(BOOT_ID, id, 64) <= 0)
		return -ENOENT;
	id[strcspn(id, "\n")] = 0;
	return 0;
}

enum accel_answer accel_kvm(struct err *why)
{
	_cleanup_close_ int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	char path[PATH_MAX], id[64], text[128], yes[80], no[80];

	if (fd < 0) {
		err_sys(why, -errno, "/dev/kvm");
		return ACCEL_NO;
	}
	if (answer_path(path) || boot_id(id) || fs_read(path, text, sizeof(text)) <= 0)
		return ACCEL_TRY;
	snprintf(yes, sizeof(yes), "%s yes\n", id);
	snprintf(no, sizeof(no), "%s no\n", id);
	if (!strcmp(text, no))
		err_set(why, 0, "KVM did not bring up a kernel when tried: %s", path);
	return !strcmp(text, yes) ? ACCEL_YES : !strcmp(text, no) ? ACCEL_NO : ACCEL_TRY;
}

void accel_keep(bool works)
{
	char path[PATH_MAX], id[64], text[80];

	if (answer_path(path) || boot_id(id))
		return;
	snprintf(text, sizeof(text), "%s %s\n", id, works ? "yes" : "no");
	(void)fs_replace(path, text, strlen(text));
}
