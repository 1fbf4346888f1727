// SPDX-License-Identifier: MIT
/*
 * A dynamic program names its loader (PT_INTERP, elf(5)); `loader --list program` prints what would
 * be loaded (ld.so(8)), which knows caches, RPATH and what libraries need in turn.
 */
#include "harness/vm/libraries.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/vm/tool.h"

/* The loader's path; "" when this is no dynamic program. */
static int loader_of(const char *path, char *loader, size_t size, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr head;
	Elf64_Phdr row;

	*loader = 0;
	if (fd < 0)
		return err_sys(err, -errno, "%s", path);
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_ident[EI_CLASS] != ELFCLASS64)
		return 0;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		off_t at = (off_t)(head.e_phoff + i * (uint64_t)head.e_phentsize);

		if (pread(fd, &row, sizeof(row), at) != sizeof(row))
			return 0;
		if (row.p_type != PT_INTERP)
			continue;
		if (!row.p_filesz || row.p_filesz > size ||
		    pread(fd, loader, row.p_filesz, (off_t)row.p_offset) != (ssize_t)row.p_filesz)
			return err_set(err, -ENOEXEC, "%s: its loader's name is broken", path);
		loader[row.p_filesz - 1] = 0;
		return 0;
	}
	return 0;
}

/* "	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)", or only a path. */
static int library(char *line, const char *program,
		   int (*fn)(void *arg, const char *path, struct err *err), void *arg,
		   struct err *err)
{
	char *arrow = strstr(line, " => "), *path = arrow ? arrow + 4 : line;

	path += strspn(path, " \t");
	if (!strncmp(path, "not found", strlen("not found"))) {
		*arrow = 0;
		return err_set(err, -ENOENT, "%s: there is no %s", program,
			       line + strspn(line, " \t"));
	}
	path[strcspn(path, " ")] = 0;
	return path[0] == '/' ? fn(arg, path, err) : 0;
}

int libraries_of(const char *path, int (*fn)(void *arg, const char *path, struct err *err),
		 void *arg, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char loader[PATH_MAX], named[PATH_MAX], *rest, *line;
	int r = loader_of(path, loader, sizeof(loader), err);

	if (r || !*loader)
		return r;
	/* The loader would look up a bare name elsewhere. */
	if (snprintf(named, sizeof(named), "%s%s", strchr(path, '/') ? "" : "./", path) >=
	    (int)sizeof(named))
		return err_sys(err, -ENAMETOOLONG, "%s", path);
	r = tool_run((const char *[]){loader, "--list", named, NULL}, -1, &text, NULL, err);
	if (r)
		return err_wrap(err, r, "libraries of %s", path);
	r = fn(arg, loader, err);
	for (line = strtok_r(text, "\n", &rest); line && !r; line = strtok_r(NULL, "\n", &rest))
		r = library(line, path, fn, arg, err);
	return r;
}
