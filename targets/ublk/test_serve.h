/* SPDX-License-Identifier: MIT */
/* A ublk server for tests of the control plane: one queue, every request answered at once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TEST_SERVE_DEPTH    4
#define TEST_SERVE_IO_BYTES 65536

struct test_server {
	pid_t pid; /* for who starts it */
	uint32_t id;
	bool legacy;	     /* encoding of commands */
	volatile bool *hold; /* shared: while it is set no request is answered, then or later */
};

/* Serves in the calling process until the device stops. 0, or what went wrong. */
int test_serve(const struct test_server *s);
