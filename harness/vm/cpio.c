// SPDX-License-Identifier: MIT
/*
 * A header of 13 numbers in hexadecimal, 8 digits each, then name and data, both padded to 4 bytes.
 * Every entry gets an inode number of its own, so that none is taken for a hard link of another.
 */
#include "harness/vm/cpio.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct entry {
	const char *name;
	mode_t mode;
	unsigned links, major, minor;
	const void *data;
	size_t len;
};

static int put(struct cpio *c, const void *data, size_t len)
{
	static const char zeroes[4];
	size_t pad = -(c->bytes + len) & 3;

	if (fwrite(data, 1, len, c->out) != len || fwrite(zeroes, 1, pad, c->out) != pad)
		return errno ? -errno : -EIO;
	c->bytes += len + pad;
	return 0;
}

static int put_entry(struct cpio *c, const struct entry *e)
{
	size_t name_len = strlen(e->name) + 1;
	char head[6 + 13 * 8 + 1], text[sizeof(head) + 4096];
	int r;

	if (name_len > 4096)
		return -ENAMETOOLONG;
	if (e->len > UINT32_MAX)
		return -EFBIG;
	snprintf(head, sizeof(head), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 ++c->inode, (unsigned)e->mode, 0, 0, e->links, 0, (unsigned)e->len, 0, 0, e->major,
		 e->minor, (unsigned)name_len, 0);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + sizeof(head) - 1, e->name, name_len);
	r = put(c, text, sizeof(head) - 1 + name_len);
	return r || !e->len ? r : put(c, e->data, e->len);
}

int cpio_folder(struct cpio *c, const char *name, mode_t mode)
{
	return put_entry(c, &(struct entry){name, S_IFDIR | (mode & 07777), .links = 2});
}

int cpio_link(struct cpio *c, const char *name, const char *target)
{
	return put_entry(c, &(struct entry){name, S_IFLNK | 0777, .links = 1, .data = target,
					    .len = strlen(target)});
}

int cpio_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len)
{
	return put_entry(c, &(struct entry){name, S_IFREG | (mode & 07777), .links = 1,
					    .data = data, .len = len});
}

int cpio_device(struct cpio *c, const char *name, mode_t mode, unsigned major, unsigned minor)
{
	return put_entry(c, &(struct entry){name, S_IFCHR | (mode & 07777), .links = 1,
					    .major = major, .minor = minor});
}

int cpio_end(struct cpio *c)
{
	int r = put_entry(c, &(struct entry){"TRAILER!!!", 0, .links = 1});

	if (!r && fflush(c->out))
		r = -errno;
	return r;
}
