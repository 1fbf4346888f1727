/* SPDX-License-Identifier: MIT */
/* A text table: columns as wide as their widest cell, droppable ones left out when it gets narrow.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct table_column {
	const char *title;
	const char *over; /* a line above the title; NULL or "" = none */
	int right;	  /* figures stand right */
	int drop;	  /* 0 = never left out; the highest goes first */
	int hidden;
	size_t wrap;	    /* the last column: may be wrapped to so many characters at ", " */
	size_t width, full; /* as printed, and what the widest cell would take */
};

struct table {
	struct table_column *columns;
	unsigned n_columns;
	char **cells; /* [n_rows * n_columns], owned; NULL = empty */
	size_t n_rows;
};

/* Both -ENOMEM only. */
int table_column(struct table *t, const char *title, int right, int drop); /* before any row */
int table_row(struct table *t);
/* Sets a cell of the last row; control characters become blanks. */
int table_set(struct table *t, unsigned column, const char *text);
/* Characters of the columns from `from` on, the last wrapped as far as it goes. */
size_t table_width(struct table *t, unsigned from);
/* Returns how many columns were left out to stay within `width`. */
unsigned table_print(struct table *t, FILE *out, size_t width, const char *indent, int bold);
void table_free(struct table *t);
