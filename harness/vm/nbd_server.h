/* SPDX-License-Identifier: MIT */
/*
 * A thread that serves one export to whoever of our own user connects, one client after another: an
 * emulator, and the next one. The socket's name is abstract (unix(7)): there is no file to remove.
 */
#pragma once

#include "harness/util/err.h"
#include "harness/vm/nbd.h"

struct nbd_server;

/* `export` and what it stands for must outlive the server. */
int nbd_server_start(const struct nbd_export *export, struct nbd_server **ret, struct err *err);
/* The name, without the NUL in front that makes it abstract. */
const char *nbd_server_name(const struct nbd_server *s);
/* Ends the connection and the thread. 0, or the first -errno that ended a connection, with err.
 * Accepts NULL. */
int nbd_server_stop(struct nbd_server *s, struct err *err);
