// SPDX-License-Identifier: MIT
/*
 * A comment on a pull request, and a job's summary. Forges refuse a comment of more than 65,536
 * characters, so it is written against a budget of bytes: the verdict and what it rests on always,
 * then rows, worst first, for as long as there is room, and how many found none. What needs no
 * action is folded. All foreign text is escaped; the rest is ASCII but for the sign in the title.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/escape.h"
#include "reports/get.h"
#include "reports/verdict.h"
#include "reports/verdict_words.h"

#define BYTES_MAX 65000
#define SHOWN_MAX 20  /* rows that are not folded */
#define CLOSING	  400 /* of a part that ran out of room */

struct budget {
	FILE *out;
	size_t left;
};

/* Rows [from, to) of the order, those alone whose kind is named. */
struct part {
	const char *title; /* NULL: not folded */
	unsigned from, to;
	unsigned kinds; /* bits */
};

#define ALL_KINDS ((1u << VERDICT_KINDS) - 1)

static void put(struct budget *b, const char *text)
{
	size_t n = strlen(text);

	fwrite(text, 1, n, b->out);
	b->left -= min_of(n, b->left);
}

static void put_escaped(FILE *out, const char *text, const char *after)
{
	if (!*text)
		return;
	escape_markdown(out, text);
	fputs(after, out);
}

static void write_row(FILE *out, const struct verdicts *v, const struct verdict_row *row)
{
	const char *bold =
		row->what == VERDICT_REGRESSED || row->what == VERDICT_FAILED ? "**" : "";
	char text[WORDS_MAX], label[LABEL_SIZE], a[FMT_MAX];

	fprintf(out, "| %s%s%s | <code>", bold, verdict_names[row->what], bold);
	escape_markdown(out, words_label(label, verdict_cell_of(v, row), LABEL_MAX));
	fputs("</code> | ", out);
	escape_markdown(out, words_metric(row));
	fprintf(out, " | %s%s%s", bold, fmt_percent(a, row->estimate, true), bold);
	fprintf(out, " | %s", words_interval(a, row->low, row->high));
	fputs(" | ", out);
	escape_markdown(out, fmt_value(a, row->base, row->unit, false));
	fputs(" | ", out);
	escape_markdown(out, fmt_value(a, row->head, row->unit, false));
	fputs(" | ", out);
	escape_markdown(out, words_p(a, words_row_p(row)));
	fprintf(out, " | %s | ", fmt_percent(a, row->mde, false));
	escape_markdown(out, words_remark(text, v, row));
	fputs(" |\n", out);
}

/* false: no room, or no memory. */
static bool put_row(struct budget *b, const struct verdicts *v, const struct verdict_row *row,
		    size_t reserve)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		return false;
	write_row(mem, v, row);
	if (fclose(mem) || size + reserve > b->left)
		return false;
	put(b, text);
	return true;
}

static unsigned count(const struct verdicts *v, const struct part *part)
{
	unsigned n = 0;

	for (unsigned i = part->from; i < part->to; i++)
		n += part->kinds >> v->order[i]->what & 1;
	return n;
}

static void open_part(struct budget *b, const struct part *part, unsigned n)
{
	char text[200];

	if (part->title) {
		snprintf(text, sizeof(text), "<details><summary>%u %s</summary>\n\n", n,
			 part->title);
		put(b, text);
	}
	put(b, "| verdict | cell | metric | change | interval | base | head | p | sees | remark |\n"
	       "|---|---|---|--:|--:|--:|--:|--:|--:|---|\n");
}

static void put_part(struct budget *b, const struct verdicts *v, const struct part *part,
		     size_t reserve)
{
	unsigned n = count(v, part), left_out = n;
	char text[120];

	if (!n)
		return;
	open_part(b, part, n);
	for (unsigned i = part->from; i < part->to; i++) {
		if (!(part->kinds >> v->order[i]->what & 1))
			continue;
		if (!put_row(b, v, v->order[i], reserve))
			break;
		left_out--;
	}
	if (left_out) {
		snprintf(text, sizeof(text), "\n%u more rows: there is no room for them here.\n",
			 left_out);
		put(b, text);
	}
	put(b, part->title ? "\n</details>\n\n" : "\n");
}

static unsigned sum(const unsigned counts[VERDICT_KINDS])
{
	unsigned n = 0;

	for (int i = 0; i < VERDICT_KINDS; i++)
		n += counts[i];
	return n;
}

static void put_parts(struct budget *b, const struct verdicts *v, size_t reserve)
{
	unsigned n_gated = sum(v->gated);
	unsigned told = n_gated - v->gated[VERDICT_UNCHANGED] - v->gated[VERDICT_SKIPPED];
	unsigned shown = v->judged ? min_of(told, (unsigned)SHOWN_MAX) : 0;
	const struct part parts[] = {
		{NULL, 0, shown, ALL_KINDS},
		{shown ? "more that failed, changed or are inconclusive"
		       : "that failed, changed or are inconclusive",
		 shown, told, ALL_KINDS},
		{"changed, but fail nothing", n_gated, v->n_rows,
		 1u << VERDICT_REGRESSED | 1u << VERDICT_IMPROVED},
		{"skipped", told, n_gated, 1u << VERDICT_SKIPPED},
		{"unchanged", told, n_gated, 1u << VERDICT_UNCHANGED},
	};

	for (size_t i = 0; i < array_size(parts); i++)
		put_part(b, v, &parts[i], reserve + CLOSING * (array_size(parts) - i));
}

/* The first line: by it a program finds the comment of the same matrix's last gate. */
static void write_mark(FILE *out, const struct verdicts *v)
{
	const char *name = v->name;

	fputs("<!-- uhbench gate ", out);
	for (size_t n = 0; n < 200 && name[n]; n++) {
		if (isalnum((unsigned char)name[n]))
			fputc(name[n], out);
		else
			fprintf(out, "_%02x", (unsigned char)name[n]);
	}
	fputs(" -->\n", out);
}

static void write_title(FILE *out, const struct verdicts *v)
{
	char text[WORDS_MAX];

	write_mark(out, v);
	fputs("### ", out);
	fputs(verdict_good(v)  ? "\xe2\x9c\x85"
	      : verdict_bad(v) ? "\xe2\x9d\x8c"
			       : "\xe2\x9a\xa0\xef\xb8\x8f",
	      out);
	fputs(" uhbench: ", out);
	put_escaped(out, escape_shorten(text, sizeof(text), v->name, 80, 0), ": ");
	escape_markdown(out, v->verdict);
	fputs("\n\n**", out);
	escape_markdown(out, words_headline(text, v));
	fputs("**\n\n", out);
}

/* What the verdict rests on, one line of it each. */
static void write_ground(FILE *out, const struct verdicts *v)
{
	char text[WORDS_MAX];

	put_escaped(out, words_sides(text, v), "<br>\n");
	escape_markdown(out, words_extent(text, v));
	if (*words_sees(text, v)) {
		fputs("; ", out);
		escape_markdown(out, text);
	}
	if (*words_control(text, v)) {
		fputs("<br>\n", out);
		escape_markdown(out, text);
	}
	if (*words_calibration(text, v)) {
		fputs("<br>\n", out);
		escape_markdown(out, text);
	}
	fputs(v->judged ? "\n\n" : "<br>\nWhat was measured stands below, but is no verdict.\n\n",
	      out);
}

static void write_foot(FILE *out, const struct verdicts *v)
{
	fprintf(out, "<sub>%s Gate ", words_legend(v));
	escape_markdown(out, get_text(v->document, "gate"));
	fputs("; every figure is in its folder.</sub>\n", out);
}

typedef void (*write_fn)(FILE *out, const struct verdicts *v);

/* malloc'd; NULL: out of memory. */
static char *text_of(write_fn write, const struct verdicts *v)
{
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		return NULL;
	write(mem, v);
	if (!fclose(mem))
		return text;
	free(text);
	return NULL;
}

int verdict_markdown(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	_cleanup_free_ char *title = NULL, *ground = NULL, *foot = NULL;
	struct budget b = {out, BYTES_MAX};
	int code = verdicts_load(options->dir, &v, err);

	if (code)
		return code;
	title = text_of(write_title, v);
	ground = text_of(write_ground, v);
	foot = text_of(write_foot, v);
	if (!title || !ground || !foot)
		return err_sys(err, -ENOMEM, "%s", options->dir);
	put(&b, title);
	put(&b, ground);
	put_parts(&b, v, strlen(foot));
	put(&b, foot);
	return 0;
}
