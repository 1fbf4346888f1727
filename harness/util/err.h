/* SPDX-License-Identifier: MIT */
/*
 * An error that travels up to whoever says it. Functions that can fail for a reason worth words
 * take a `struct err *`, return 0 or -errno, and fill the text once, at the place that knows why.
 * Only the commands (harness/cli) print it.
 */
#pragma once

#define ERR_MAX 512

struct err {
	char text[ERR_MAX];
};

/* Writes the text and returns `code` (a negative errno), so that `return err_set(...)` reads well.
 * `e` may be NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, and appends ": " and strerror(-code). */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts `fmt: ` in front of a text that is already there. Returns `code`. */
int err_wrap(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
