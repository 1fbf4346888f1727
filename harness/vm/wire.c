// SPDX-License-Identifier: MIT
/* Frames over a byte stream: whole writes, reads of whatever is there. */
#include "harness/vm/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness/util/fs.h"

int wire_send(int fd, enum wire_type type, const void *data, size_t len)
{
	struct {
		struct wire_head head;
		char payload[WIRE_MAX];
	} frame;

	if (len > WIRE_MAX)
		return -EMSGSIZE;
	frame.head = (struct wire_head){type, (uint32_t)len};
	if (len)
		memcpy(frame.payload, data, len);
	return fs_write_all(fd, &frame, sizeof(frame.head) + len);
}

int wire_text(int fd, enum wire_type type, const char *text)
{
	return wire_send(fd, type, text, strlen(text));
}

int wire_read(int fd, struct wire_reader *r)
{
	size_t head = sizeof(r->head), want;
	char *to;
	ssize_t n;

	if (r->have >= head && r->have == head + r->head.len)
		r->have = 0;
	to = r->have < head ? (char *)&r->head + r->have : r->payload + (r->have - head);
	want = r->have < head ? head - r->have : head + r->head.len - r->have;
	n = read(fd, to, want);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (!n)
		return -EPIPE;
	r->have += (size_t)n;
	if (r->have < head)
		return 0;
	if (r->head.len > WIRE_MAX || !r->head.type || r->head.type > WIRE_EXIT)
		return -EPROTO;
	if (r->have < head + r->head.len)
		return 0;
	r->payload[r->head.len] = 0;
	return 1;
}
