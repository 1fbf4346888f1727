// SPDX-License-Identifier: MIT
/* Text tables: two blanks between columns, no rules, so that they can be read, cut and grepped. */
#include "reports/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reports/cellsum.h"
#include "reports/fmt.h"

int table_column(struct table *t, const char *title, int right, int drop)
{
	struct table_column *columns = array_room(t->columns, t->n_columns, sizeof(*columns));

	if (!columns)
		return -ENOMEM;
	t->columns = columns;
	columns[t->n_columns++] =
		(struct table_column){.title = title, .right = right, .drop = drop};
	return 0;
}

int table_row(struct table *t)
{
	char **cells = reallocarray(t->cells, (t->n_rows + 1) * t->n_columns, sizeof(char *));

	if (!cells)
		return -ENOMEM;
	t->cells = cells;
	memset(&cells[t->n_rows++ * t->n_columns], 0, t->n_columns * sizeof(char *));
	return 0;
}

int table_set(struct table *t, unsigned column, const char *text)
{
	char **cell = &t->cells[(t->n_rows - 1) * t->n_columns + column];
	size_t size = strlen(text) + 1;

	free(*cell);
	*cell = malloc(size);
	if (!*cell)
		return -ENOMEM;
	fmt_safe(*cell, size, text);
	return 0;
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t text_width(const char *text)
{
	size_t n = 0;

	for (; text && *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void measure(struct table *t)
{
	for (unsigned k = 0; k < t->n_columns; k++) {
		struct table_column *c = &t->columns[k];

		c->width = text_width(c->title);
		c->hidden = 0;
		for (size_t i = 0; i < t->n_rows; i++) {
			size_t w = text_width(t->cells[i * t->n_columns + k]);

			c->width = w > c->width ? w : c->width;
		}
	}
}

static size_t total_width(const struct table *t)
{
	size_t n = 0;

	for (unsigned k = 0; k < t->n_columns; k++)
		n += t->columns[k].hidden ? 0 : t->columns[k].width + 2;
	return n ? n - 2 : 0;
}

static unsigned drop_columns(struct table *t, size_t width)
{
	unsigned dropped = 0;

	while (total_width(t) > width) {
		struct table_column *worst = NULL;

		for (unsigned k = 0; k < t->n_columns; k++) {
			struct table_column *c = &t->columns[k];

			if (c->drop && !c->hidden && (!worst || c->drop > worst->drop))
				worst = c;
		}
		if (!worst)
			break;
		worst->hidden = 1;
		dropped++;
	}
	return dropped;
}

static void print_row(const struct table *t, FILE *out, const char *indent,
		      const char *const *cells)
{
	size_t gap = strlen(indent);

	for (unsigned k = 0; k < t->n_columns; k++) {
		const struct table_column *c = &t->columns[k];
		const char *text = cells && cells[k] ? cells[k] : cells ? "" : c->title;
		size_t pad = c->width - text_width(text);

		if (c->hidden)
			continue;
		gap += c->right ? pad : 0;
		if (*text)
			fprintf(out, "%*s%s", (int)gap, "", text);
		/* blanks wait until something follows: no line ends in them */
		gap = (*text ? 2 : gap + text_width(text) + 2) + (c->right ? 0 : pad);
	}
}

unsigned table_print(struct table *t, FILE *out, size_t width, const char *indent, int bold)
{
	unsigned dropped;

	measure(t);
	dropped = drop_columns(t, width - strlen(indent));
	fputs(bold ? "\033[1m" : "", out);
	print_row(t, out, indent, NULL);
	fputs(bold ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < t->n_rows; i++) {
		print_row(t, out, indent, (const char *const *)&t->cells[i * t->n_columns]);
		fputc('\n', out);
	}
	return dropped;
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->columns);
	*t = (struct table){0};
}
