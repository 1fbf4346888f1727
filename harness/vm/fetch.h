/* SPDX-License-Identifier: MIT */
/*
 * Kernel packages through apt, with sources derived from the Debian archive that this machine is
 * configured for, in an apt state of our own: no root needed, and the machine's own apt sees
 *nothing of it. apt checks the archive's signature and the package's hash; we keep sums of what was
 *in it.
 *
 *	fetch.c            the cache: what is there, and how it gets there
 *	fetch_apt.c        one suite of the archive, seen through apt
 *	fetch_sources.c    the archive that is configured
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "harness/util/err.h"

/* The folder of the cache with the unpacked package. -ENOENT says what there is instead. */
int fetch_kernel(const char *name, void (*say)(const char *text), char *folder, size_t size,
		 struct err *err);

/* What a source of apt says, as one of today's (sources.list(5), "deb822") would say it. */
struct fetch_archive {
	char uris[1024];
	char suite[64];
	char *signed_by; /* the field's whole value, perhaps a key of many lines; NULL: none */
};

/* -ENOENT: apt is not configured for a Debian archive. */
int fetch_archive(struct fetch_archive *ret, struct err *err);
void fetch_archive_free(struct fetch_archive *a);
/* The same for these files: a sources.list, and a folder of *.list and *.sources. `codename` is the
 * suite that this machine runs. */
int fetch_archive_in(const char *list, const char *parts, const char *codename,
		     struct fetch_archive *ret, struct err *err);

#define FETCH_PACKAGE_MAX 128

/* An apt of our own for one suite. */
struct fetch_apt {
	char folder[PATH_MAX - 64];
	char suite[64];
};

/* Writes its configuration below `cache` and gets the lists. */
int fetch_apt_open(struct fetch_apt *apt, const char *cache, const struct fetch_archive *archive,
		   const char *suite, struct err *err);
/* The newest cloud kernel of a version ("6.12", "6.12.9"; "": any). -ENOENT: none; then *versions
 * (to be freed) gets " 6.1 6.12 ..." appended, which it has. */
int fetch_apt_newest(const struct fetch_apt *apt, const char *version,
		     char package[static FETCH_PACKAGE_MAX], char **versions, struct err *err);
/* Downloads a package, which apt checks, and unpacks it into `folder`. */
int fetch_apt_unpack(const struct fetch_apt *apt, const char *package, const char *folder,
		     struct err *err);
