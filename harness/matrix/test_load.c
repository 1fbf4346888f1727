// SPDX-License-Identifier: MIT
/* A matrix from a text: by way of a file, as the program reads it. */
#include "harness/matrix/test_load.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/test_plugins.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

int test_load(const char *text, size_t len, struct diag *diag, struct matrix **ret)
{
	char path[] = "/tmp/uhbench-test-XXXXXX.json";
	_cleanup_close_ int fd = mkstemps(path, 5);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fs_write_all(fd, text, len);
	if (!rc)
		rc = matrix_load(&test_registry, path, diag, ret);
	unlink(path);
	return rc;
}
