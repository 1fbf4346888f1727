// SPDX-License-Identifier: MIT
/* Signals, the own program and the default folder: what `run` and `ab` do alike before anything is
 * measured. */
#include "harness/cli/measuring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/interrupt.h"
#include "harness/exitcode.h"
#include "harness/matrix/matrix.h"
#include "harness/util/cleanup.h"

void measuring_catch_signals(void)
{
	interrupt_catch(SIGINT);
	interrupt_catch(SIGTERM);
	signal(SIGPIPE, SIG_IGN);
}

int measuring_own_binary(char *path, size_t size)
{
	_cleanup_close_ int low = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 64); /* above those of the protocol */

	if (fd < 0)
		return -errno;
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

uint64_t measuring_random_seed(void)
{
	uint64_t seed = 1;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = (uint64_t)getpid();
	return seed >> 1;
}

int measuring_exit_code(int r)
{
	switch (-r) {
	case EBUSY:
	case EUSERS:
		return EXITCODE_ENVIRONMENT;
	case EINVAL:
	case EEXIST:
		return EXITCODE_USAGE;
	case EINTR:
		return EXITCODE_INTERRUPTED;
	default:
		return EXITCODE_FAILURE;
	}
}

void measuring_nearest_folder(const char *dir, char ret[static PATH_MAX])
{
	char *slash;

	snprintf(ret, PATH_MAX, "%s", dir);
	while (access(ret, F_OK)) {
		slash = strrchr(ret, '/');
		if (!slash) {
			strcpy(ret, ".");
			return;
		}
		if (slash == ret) {
			strcpy(ret, "/");
			return;
		}
		*slash = '\0';
	}
}

void measuring_default_dir(const struct matrix *m, char *dir, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	snprintf(dir, size, "results/%.*s-%s", MATRIX_NAME_MAX, m->name, stamp);
}
