/* SPDX-License-Identifier: MIT */
/*
 * A command in a virtual machine of its own: a kernel, and an initramfs with this very program,
 * busybox and the files that are named. No disk image, no network, no root.
 *
 *	vm_prepare()     kernel found or fetched, files gathered, initramfs in memory
 *	  vm_boot()      one boot: runs a command, carries its output, brings files back
 *	  vm_boot()      the same machine again, perhaps with what is left on a disk
 *	vm_free()
 *
 *	vm.c       the above                     tree.c     what goes into the initramfs
 *	kernel.c   kernels by name or path       cpio.c     its format
 *	fetch.c    ... from apt's sources        modules.c  kernel modules and what they need
 *	libraries.c, path.c                      modinfo.c  ... and how they say so
 *	qemu.c     the emulator's process        watch.c    a boot, seen from outside
 *	accel.c    KVM or emulation              guest*.c   and from inside, as PID 1
 *	wire.c     what the two say              console.c  the guest's last words
 *	guest_clock.c  is its time ours?
 *	tool.c     other programs                receive.c  files on their way back
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/util/err.h"

#define VM_KERNEL_DEFAULT "6.12"
#define VM_MEMORY_MIN	  (256ull << 20)

/* TCG: emulation, one thread for each CPU; ONE_THREAD: for all of them; AUTO: KVM where it works,
 * else as the emulator and `patches_code` allow. */
enum vm_accel { VM_ACCEL_AUTO, VM_ACCEL_KVM, VM_ACCEL_TCG, VM_ACCEL_ONE_THREAD };

struct vm_options {
	const char *kernel; /* a name (see kernel.h) or the path of a bzImage */
	unsigned cpus;
	uint64_t memory_bytes;
	enum vm_accel accel;
	/* The command makes the kernel change its own code under load, as probes do. */
	bool patches_code;
	/* Files and folders, each "PATH" or "PATH:DEST"; a program brings its libraries, and lands
	 * where it is outside unless DEST says otherwise. */
	const char *const *add;
	unsigned n_add;
	/* More modules than modules.c names, loaded before the command, each "NAME" or
	 * "NAME PARAMETER=VALUE ..." */
	const char *const *modules;
	unsigned n_modules;
	/* Something people may want to know while it works. */
	void (*say)(const char *text);
};

struct vm;

/* 0 or -errno with err. -ENOENT: no such kernel, -ENOPKG: a program is missing that this takes. */
int vm_prepare(const struct vm_options *options, struct vm **ret, struct err *err);
void vm_free(struct vm *vm); /* accepts NULL */
const char *vm_release(const struct vm *vm);

/* A stream between the caller and /dev/virtio-ports/NAME of the guest. */
struct vm_port {
	const char *name;
	int fd; /* the emulator's end of a socket pair; stays the caller's */
};

struct vm_boot {
	char *const *command;	 /* ended by NULL; run in the caller's folder */
	const char *const *back; /* files and folders that come back; ended by NULL; may be NULL */
	uint64_t timeout_ns;	 /* from the start of the command; 0: none */
	volatile sig_atomic_t *interrupted; /* a signal: passed on once, then the machine ends */

	/* What other modules attach. */
	const char *const *qemu; /* more arguments, ended by NULL; may be NULL */
	const struct vm_port *ports;
	unsigned n_ports;
	/* Asked a few times a second, and when `wake_fd` (-1: none) is readable: true takes the
	 * power away at once. */
	bool (*cut)(void *arg);
	void *arg;
	int wake_fd;
};

enum vm_end {
	VM_EXITED,	/* the command ended: wait status in `status` */
	VM_NO_COMMAND,	/* it could not be started */
	VM_CUT,		/* by the caller's will */
	VM_TIMEOUT,	/* the command's time was over */
	VM_INTERRUPTED, /* by a signal, without an answer of the command */
	VM_PANIC,	/* the guest's kernel gave up */
	VM_HUNG,	/* no sign of life, or it never came up */
	VM_LOST,	/* the emulator ended */
	VM_BROKEN,	/* what it sent made no sense, or could not be written here */
	VM_CLOCK,	/* its clock does not go as ours does: nothing it measures is right */
	VM_FAULT,	/* the command ended well and says so, but it cannot be true */
};

struct vm_outcome {
	enum vm_end end;
	int status; /* as of wait(2) */
	double up_s;
	char text[ERR_MAX];	/* what happened, but for VM_EXITED */
	char console[16 << 10]; /* the tail; ended by NUL */
};

/* 0 with *ret filled, or -errno with err when nothing could be started. */
int vm_boot(struct vm *vm, const struct vm_boot *boot, struct vm_outcome *ret, struct err *err);

/* PID 1 of the guest: never returns. */
void vm_guest(void) __attribute__((noreturn));
