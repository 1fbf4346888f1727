// SPDX-License-Identifier: MIT
/* Files on their way back: each as FILE, its bytes, END; folders in front of what is in them. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/vm/guest.h"
#include "harness/vm/wire.h"

static int send_file(int port, const char *path, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[sizeof(uint32_t) + PATH_MAX], data[WIRE_MAX];
	uint32_t bits = mode & 07777;
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	memcpy(head, &bits, sizeof(bits));
	snprintf(head + sizeof(bits), PATH_MAX, "%s", path);
	r = wire_send(port, WIRE_FILE, head, sizeof(bits) + strlen(head + sizeof(bits)));
	while (!r && (n = read(fd, data, sizeof(data))) > 0)
		r = wire_send(port, WIRE_DATA, data, (size_t)n);
	if (!r && n < 0)
		r = -errno;
	return r ? r : wire_send(port, WIRE_END, NULL, 0);
}

static int send_entry(int port, const FTSENT *e)
{
	switch (e->fts_info) {
	case FTS_D:
		return wire_text(port, WIRE_FOLDER, e->fts_path);
	case FTS_F:
		return send_file(port, e->fts_path, e->fts_statp->st_mode);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return -e->fts_errno;
	default: /* the way back; links, sockets, devices stay */
		return 0;
	}
}

int guest_send(int port, const char *path)
{
	char *roots[] = {(char *)path, NULL};
	FTSENT *e;
	FTS *fts;
	int r = 0;

	if (access(path, F_OK))
		return -errno;
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return -errno;
	while (!r && (e = fts_read(fts)))
		r = send_entry(port, e);
	fts_close(fts);
	return r;
}
