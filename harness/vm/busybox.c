// SPDX-License-Identifier: MIT
/* busybox itself knows its names: `busybox --list`. */
#include "harness/vm/busybox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/vm/tool.h"

static int find(char path[static PATH_MAX], char **names, struct err *err)
{
	if (tool_find("busybox", path, PATH_MAX))
		return err_set(err, -ENOPKG, "there is no busybox here (Debian: busybox-static)");
	return tool_run((const char *[]){path, "--list", NULL}, -1, names, NULL, err);
}

int busybox_add(struct tree *tree, struct err *err)
{
	_cleanup_free_ char *names = NULL;
	char busybox[PATH_MAX], *rest;
	int r = find(busybox, &names, err);

	if (!r)
		r = tree_file(tree, "/bin/busybox", busybox, err);
	if (r)
		return r;
	for (char *n = strtok_r(names, "\n", &rest); n && !r; n = strtok_r(NULL, "\n", &rest)) {
		char path[PATH_MAX];

		/* The kernel calls this one by its path. */
		snprintf(path, sizeof(path), "%s/%s", strcmp(n, "modprobe") ? "/bin" : "/sbin", n);
		r = tree_link(tree, path, "/bin/busybox", err);
	}
	return r;
}

int busybox_has(const char *name, struct err *err)
{
	_cleanup_free_ char *names = NULL;
	char busybox[PATH_MAX], *rest;
	int r = find(busybox, &names, err);

	if (r)
		return r;
	for (char *n = strtok_r(names, "\n", &rest); n; n = strtok_r(NULL, "\n", &rest))
		if (!strcmp(n, name))
			return 1;
	return 0;
}
