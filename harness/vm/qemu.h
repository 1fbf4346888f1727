/* SPDX-License-Identifier: MIT */
/* The emulator's process. It lives in a process group of its own, so that Ctrl-C on the terminal is
 * ours to answer, and dies with us, however we do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/util/err.h"
#include "harness/vm/vm.h"

#define QEMU_PROGRAM "qemu-system-x86_64"

enum qemu_how { QEMU_KVM, QEMU_THREADS, QEMU_ONE_THREAD };

struct qemu_options {
	const char *kernel; /* path of the image */
	int initramfs;	    /* a memory file */
	unsigned cpus;
	uint64_t memory_bytes;
	enum qemu_how how;
	const char *init; /* path inside, and its one argument */
	const char *init_argument;
	const char *const *more; /* ended by NULL; may be NULL */
	const struct vm_port *ports;
	unsigned n_ports;
};

struct qemu {
	pid_t pid; /* 0: reaped */
	int pidfd;
	int console; /* the guest's first serial line, and what the emulator itself complains of */
	int port;    /* /dev/virtio-ports/uhbench of the guest */
	int status;  /* once reaped */
};

/* -ENOPKG: there is no emulator. */
int qemu_start(struct qemu *q, const struct qemu_options *options, struct err *err);
/* Does QEMU_THREADS run what the guest's kernel has just written into its code? Releases before 8.1
 * sometimes do not. */
bool qemu_keeps_code(void);
/* Kills it if it lives, and reaps it. Its descriptors stay. */
void qemu_end(struct qemu *q);
void qemu_close(struct qemu *q);
