/* SPDX-License-Identifier: MIT */
/*
 * What the two ends of the port say. Both are the same program, so numbers go as they lie in
 * memory:
 *
 *	u32 type, u32 length, payload
 *
 *	guest  UP           u64 CLOCK_MONOTONIC: everything is ready for the command
 *	host   RUN          texts, each ended by NUL: folder, number of paths that come back, these
 *	                    paths, the command's words
 *	host   SIGNAL       i32, for the command
 *	host   PING         u64, the host's clock
 *	guest  BEAT         nothing; every second
 *	guest  PONG         u64 of the PING, u64 CLOCK_MONOTONIC
 *	guest  STDOUT       bytes
 *	guest  STDERR       bytes
 *	guest  NOTE         text for people
 *	guest  FAULT        text: why it is no success, even if the command says so
 *	guest  NO_COMMAND   text: it could not be started
 *	guest  FOLDER       path that comes back, as it was asked for
 *	guest  FILE         u32 mode, path; then DATA, as often as it takes, and END
 *	guest  EXIT         i32 wait status: the last word
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define WIRE_PORT "uhbench"
#define WIRE_MAX  ((size_t)64 << 10)

enum wire_type {
	WIRE_UP = 1,
	WIRE_RUN,
	WIRE_SIGNAL,
	WIRE_PING,
	WIRE_BEAT,
	WIRE_PONG,
	WIRE_STDOUT,
	WIRE_STDERR,
	WIRE_NOTE,
	WIRE_FAULT,
	WIRE_NO_COMMAND,
	WIRE_FOLDER,
	WIRE_FILE,
	WIRE_DATA,
	WIRE_END,
	WIRE_EXIT,
};

struct wire_head {
	uint32_t type, len;
};

/* What has come so far of a frame; zeroed at the start. */
struct wire_reader {
	struct wire_head head;
	size_t have; /* of head and payload together */
	char payload[WIRE_MAX + 1];
};

int wire_send(int fd, enum wire_type type, const void *data, size_t len);
int wire_text(int fd, enum wire_type type, const char *text);
/*
 * Reads once. 1 when a frame is complete (payload ended by NUL), 0 when more has to come, -EPIPE at
 * the end, -EPROTO for a frame that cannot be, other -errno. The next call starts the next frame.
 */
int wire_read(int fd, struct wire_reader *r);
