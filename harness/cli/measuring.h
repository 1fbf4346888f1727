/* SPDX-License-Identifier: MIT */
/* What the verbs that measure share. */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct matrix;

/* SIGINT and SIGTERM end what is measured (interrupt.h); who reads a pipe may go. */
void measuring_catch_signals(void);

/*
 * This very program, by a descriptor: a file that is built anew during the session would otherwise
 * make the remaining runs. Closed on exec, in the children too. The descriptor, or -errno.
 */
int measuring_own_binary(char *path, size_t size);

/* Below 2^63. */
uint64_t measuring_random_seed(void);

/* Of an error of a gate's (harness/paired/paired.h). */
int measuring_exit_code(int r);

/* The folder, or what there is above it. */
void measuring_nearest_folder(const char *dir, char ret[static PATH_MAX]);

/* "results/NAME-DATE-TIME" */
void measuring_default_dir(const struct matrix *m, char *dir, size_t size);
