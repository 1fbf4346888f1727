/* SPDX-License-Identifier: MIT */
/*
 * Kernels, by one of
 *
 *	6.12			the newest cloud kernel of that version that the configured Debian
 *suite or its backports have suite:NAME[:6.19]	the newest one (of that version) in another suite of
 *the same archive
 *	./bzImage, /boot/...	an image on this machine (a slash says so); modules are looked for
 *in lib/modules/<release> beside it, in the folders above, and in /
 *
 * Those by name come through apt, once, and stay in a folder (kernel_cache).
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "harness/util/err.h"

struct kernel {
	char image[PATH_MAX];
	char release[256];	/* as uname -r says inside */
	char modules[PATH_MAX]; /* their folder; "": none was found */
};

/* -ENOENT: there is none of that name, with what there is. */
int kernel_find(const char *name, void (*say)(const char *text), struct kernel *ret,
		struct err *err);

/* Where kernels stay: $UHBENCH_CACHE, else $XDG_CACHE_HOME/uhbench, else for root
 * /var/cache/uhbench, for others ~/.cache/uhbench. Made when it is not there. */
int kernel_cache(char *path, size_t size, struct err *err);

/* The release that a bzImage says it is (Documentation/arch/x86/boot.rst). -ENOEXEC. */
int kernel_release(const char *image, char *release, size_t size, struct err *err);
