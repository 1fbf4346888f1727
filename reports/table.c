// SPDX-License-Identifier: MIT
/* Text tables: two blanks between columns, no rules, so that they can be read, cut and grepped. */
#include "reports/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

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
		size_t over = text_width(c->over);

		c->full = text_width(c->title);
		c->full = over > c->full ? over : c->full;
		c->hidden = 0;
		for (size_t i = 0; i < t->n_rows; i++) {
			size_t w = text_width(t->cells[i * t->n_columns + k]);

			c->full = w > c->full ? w : c->full;
		}
		c->width = c->wrap && c->wrap < c->full ? c->wrap : c->full;
	}
}

static size_t total_width(const struct table *t, unsigned from)
{
	size_t n = 0;

	for (unsigned k = from; k < t->n_columns; k++)
		n += t->columns[k].hidden ? 0 : t->columns[k].width + 2;
	return n ? n - 2 : 0;
}

size_t table_width(struct table *t, unsigned from)
{
	measure(t);
	return total_width(t, from);
}

/* What is left over goes to the column that was wrapped. */
static void unwrap(struct table *t, size_t width)
{
	struct table_column *last = &t->columns[t->n_columns - 1];
	size_t total = total_width(t, 0);

	if (total < width)
		last->width += width - total;
	if (last->width > last->full)
		last->width = last->full;
}

static unsigned drop_columns(struct table *t, size_t width)
{
	unsigned dropped = 0;

	while (total_width(t, 0) > width) {
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

enum { ROW_OVER = -2, ROW_TITLE = -1 };

static const char *text_at(const struct table *t, ssize_t row, unsigned k)
{
	const char *text = row == ROW_OVER    ? t->columns[k].over
			   : row == ROW_TITLE ? t->columns[k].title
					      : t->cells[(size_t)row * t->n_columns + k];

	return text ? text : "";
}

/* Bytes of text up to the last comma within `width`, or to the first where none is. */
static size_t piece(const char *text, size_t width)
{
	size_t n = 0, len = strlen(text);

	while (len > width) {
		const char *comma = strchr(text + n, ',');
		size_t end = comma ? (size_t)(comma - text) + 1 : len;

		if (n && end > width)
			return n;
		if (!comma)
			return len;
		n = end;
	}
	return len;
}

/* The text of the last column, over as many lines as it takes. */
static void print_wrapped(const struct table_column *c, FILE *out, const char *text, size_t indent)
{
	size_t n = c->wrap ? piece(text, c->width) : strlen(text);

	fprintf(out, "%.*s", (int)n, text);
	while (text[n]) {
		text += n + strspn(text + n, " ");
		n = piece(text, c->width);
		fprintf(out, "\n%*s%.*s", (int)indent, "", (int)n, text);
	}
}

static void print_row(const struct table *t, FILE *out, const char *indent, ssize_t row)
{
	size_t gap = strlen(indent), start = gap;

	for (unsigned k = 0; k < t->n_columns; k++) {
		const struct table_column *c = &t->columns[k];
		const char *text = text_at(t, row, k);
		size_t width = text_width(text);
		size_t pad = c->width > width ? c->width - width : 0;

		if (c->hidden)
			continue;
		gap += c->right ? pad : 0;
		if (*text) {
			fprintf(out, "%*s", (int)gap, "");
			print_wrapped(c, out, text, start);
		}
		start += c->width + 2;
		/* blanks wait until something follows: no line ends in them */
		gap = (*text ? 2 : gap + width + 2) + (c->right ? 0 : pad);
	}
}

static bool has_over(const struct table *t)
{
	for (unsigned k = 0; k < t->n_columns; k++)
		if (!t->columns[k].hidden && t->columns[k].over && *t->columns[k].over)
			return true;
	return false;
}

unsigned table_print(struct table *t, FILE *out, size_t width, const char *indent, int bold)
{
	unsigned dropped;

	measure(t);
	width = width > strlen(indent) ? width - strlen(indent) : 0;
	dropped = drop_columns(t, width);
	unwrap(t, width);
	fputs(bold ? "\033[1m" : "", out);
	if (has_over(t)) {
		print_row(t, out, indent, ROW_OVER);
		fputc('\n', out);
	}
	print_row(t, out, indent, ROW_TITLE);
	fputs(bold ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < t->n_rows; i++) {
		print_row(t, out, indent, (ssize_t)i);
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
