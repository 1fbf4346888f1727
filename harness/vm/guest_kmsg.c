// SPDX-License-Identifier: MIT
/*
 * Each read of /dev/kmsg is a record: "LEVEL,NUMBER,TIME,FLAGS;TEXT" and lines of its dictionary,
 * which begin with a space (Documentation/ABI/testing/dev-kmsg). What a busy host can cause in an
 * emulated machine, stalls and soft lockups, says nothing about its kernel and is left out.
 */
#include "harness/vm/guest_kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"

#define RECORD_MAX 8192

bool guest_kmsg_is_complaint(const char *text)
{
	static const char *const bad[] = {"BUG: ",
					  "kernel BUG at",
					  "WARNING: CPU",
					  "Oops: ",
					  "general protection fault",
					  "unable to handle",
					  "refcount_t: ",
					  "UBSAN: ",
					  "possible recursive locking",
					  "sleeping function called",
					  "blocked for more than"};

	if (strstr(text, "soft lockup") || strstr(text, "workqueue lockup"))
		return false;
	for (size_t i = 0; i < array_size(bad); i++)
		if (strstr(text, bad[i]))
			return true;
	return false;
}

int guest_kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0)
		cleanup_close(&fd);
	return fd;
}

bool guest_kmsg_look(int fd, char *line, size_t size)
{
	char record[RECORD_MAX + 1], *text;
	ssize_t n;

	/* EPIPE: records were overwritten before we came; the next read goes on behind them. */
	while ((n = read(fd, record, RECORD_MAX)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		record[n] = 0;
		text = strchr(record, ';');
		if (!text)
			continue;
		text[strcspn(text, "\n")] = 0;
		if (guest_kmsg_is_complaint(text + 1)) {
			snprintf(line, size, "%s", text + 1);
			return true;
		}
	}
	return false;
}
