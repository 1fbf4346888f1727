// SPDX-License-Identifier: MIT
/*
 * /proc/PID/maps as text, and a look into it. The kernel gives it page by page, so a process that
 * maps and unmaps meanwhile can show a mapping twice or not at all (proc(5)); code that a thread
 * stands in stays where it is.
 */
#include "probes/stacks/procmaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"

#define MAPS_MAX (16u << 20) /* about 100 000 mappings, over vm.max_map_count */

int procmaps_snapshot(pid_t pid, char **ret_text)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	char path[32];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	r = fs_read_all(fd, MAPS_MAX, &text, &len);
	if (r)
		return r;
	if (!len)
		return -ESRCH;
	*ret_text = take_ptr(text);
	return 0;
}

/* "start-end perms offset dev inode   name" */
static int parse_line(const char *line, struct procmap *m)
{
	unsigned long long start, end;
	char perms[5];
	int at = 0;

	if (sscanf(line, "%llx-%llx %4s %*s %*s %*s%n", &start, &end, perms, &at) < 3 || !at)
		return -EINVAL;
	at += (int)strspn(line + at, " ");
	*m = (struct procmap){
		.start = start,
		.end = end,
		.exec = perms[2] == 'x',
		.name = line + at,
		.name_len = (int)strcspn(line + at, "\n"),
	};
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int by_start(const void *a, const void *b)
{
	const struct procmap *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

int procmaps_parse(const char *text, struct procmap **ret, size_t *ret_n)
{
	_cleanup_free_ struct procmap *maps = calloc(count_lines(text), sizeof(*maps));
	size_t n = 0;

	if (!maps)
		return -ENOMEM;
	for (const char *line = text; *line; n++) {
		const char *next = strchr(line, '\n');

		if (parse_line(line, &maps[n]))
			return -EINVAL;
		line = next ? next + 1 : line + strlen(line);
	}
	qsort(maps, n, sizeof(*maps), by_start);
	*ret = take_ptr(maps);
	*ret_n = n;
	return 0;
}

const struct procmap *procmaps_find(const struct procmap *maps, size_t n, uint64_t address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (maps[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low && address < maps[low - 1].end ? &maps[low - 1] : NULL;
}
