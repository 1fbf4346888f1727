/* SPDX-License-Identifier: MIT */
/*
 * A command in one text, split into words as a shell would, with values of the cell filled in:
 *
 *   spaces, tabs and newlines   between words
 *   'text'                      as it stands; ${name} of a value in it is refused
 *   "text"                      one word, or a part of one; ${name}, \" \\ \$ are read inside
 *   \c                          the character c
 *   ${name}                     the value; it is never split, however many words it looks like
 *
 * $ without { behind it is itself. There are no variables of the environment, no globs, no pipes:
 * whoever wants those runs `sh -c '...'`.
 */
#pragma once

#include <stddef.h>

#include "harness/util/err.h"

#define COMMAND_VALUE_MAX 4096

/* Writes the value of `name`. 0, or -EINVAL with err: there is no such value. */
typedef int (*command_value_fn)(void *arg, const char *name, char value[static COMMAND_VALUE_MAX],
				struct err *err);

/* Words in one NULL-ended list; may be empty. -EINVAL with err naming the character, -ENOMEM. */
int command_words(const char *text, command_value_fn value, void *arg, char ***ret,
		  struct err *err);
void command_words_free(char **words); /* accepts NULL */

/* Fills in values and does nothing else: no quotes, no words. -EINVAL also when it does not fit. */
int command_fill(const char *text, command_value_fn value, void *arg, char *ret, size_t size,
		 struct err *err);
