/* SPDX-License-Identifier: MIT */
/* Inside the guest: what PID 1 is made of. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Mounts, modules, the port; a machine like any other when it returns, with /dev/virtio-ports. What
 * fails without making the command impossible is said on the console. */
void guest_set_up(void);
/* The port to the host, opened. Ends the machine when there is none. */
int guest_port(void);
/* The last words on the console, then no power. */
void guest_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void guest_power_off(void) __attribute__((noreturn));

/* Sends a file, or a folder with all in it. 0 or -errno; -ENOENT: it is not there. */
int guest_send(int port, const char *path);
