// SPDX-License-Identifier: MIT
/*
 * The backend that does nothing: what is left is the driver and the server's loop. All tags share
 * one buffer, which therefore stays in the cache, and what is read is whatever lies in it.
 */
#include "harness/pad.h"
#include "targets/ublk/ublk_serve.h"

static int32_t null_serve(struct ublk_thread *t, struct ublk_tag *tag)
{
	pad_spin(t->pad);
	return tag->request.op <= UBLK_IO_OP_WRITE ? (int32_t)tag->request.bytes : 0;
}

const struct ublk_backend_ops ublk_backend_null = {.serve = null_serve};
