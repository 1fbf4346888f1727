// SPDX-License-Identifier: MIT
/* Below the results: what went wrong, what casts doubt, what to know, and where it was measured. */
#include <math.h>
#include <stdio.h>

#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/html.h"

#define ROWS_MAX 200

static void put_open(FILE *out, const char *id, const char *title)
{
	fprintf(out, "<section><h2 id=\"%s\">%s</h2>\n", id, title);
}

static void put_more(FILE *out, size_t n)
{
	if (n > ROWS_MAX)
		fprintf(out, "<p class=\"dim\">%zu more are in the JSON report.</p>\n",
			n - ROWS_MAX);
}

static void put_frames(FILE *out, const cJSON *stack)
{
	const cJSON *frame;

	if (!cJSON_IsArray(stack)) {
		fputs("  (kernel stack not readable)\n", out);
		return;
	}
	cJSON_ArrayForEach (frame, stack)
		html_printf(out, "    %s\n", cJSON_IsString(frame) ? frame->valuestring : "?");
}

/* Every thread of a stalled run: name, state, system call, kernel stack. */
static void put_stall(FILE *out, const cJSON *stall)
{
	const cJSON *thread;

	fprintf(out,
		"<details class=\"raw\"><summary>%d threads, where each one stood</summary><pre>",
		cJSON_GetArraySize(stall));
	cJSON_ArrayForEach (thread, stall) {
		html_printf(out, "%s (%s, tid %.0f) state %s", get_text(thread, "name"),
			    get_text(thread, "role"), fmax(get_number(thread, "tid"), 0),
			    get_text(thread, "state"));
		if (*get_text(thread, "syscall"))
			html_printf(out, " in %s", get_text(thread, "syscall"));
		if (*get_text(thread, "wchan"))
			html_printf(out, ", waits in %s", get_text(thread, "wchan"));
		fputc('\n', out);
		put_frames(out, get(thread, "stack"));
	}
	fputs("</pre></details>", out);
}

void html_problems(const struct page *page)
{
	const struct summary *s = page->summary;
	FILE *out = page->out;
	char label[300];

	if (!s->n_problems)
		return;
	put_open(out, "problems", "Not ok");
	fputs("<div class=\"list\">\n", out);
	for (size_t i = 0; i < s->n_problems && i < ROWS_MAX; i++) {
		const struct problem *p = &s->problems[i];

		groups_label(page->groups, p->cell, label, sizeof(label));
		fprintf(out, "<div class=\"item\"><span class=\"chip st-%s\">%u %s%s</span> <b>",
			status_names[p->status], p->count, status_names[p->status],
			p->probed ? ", with probes" : "");
		html_text(out, label);
		fputs("</b><br>", out);
		html_text(out, p->reason);
		if (p->worst)
			html_printf(out, "; the worst: %s", p->worst);
		if (p->stall)
			put_stall(out, p->stall);
		fputs("</div>\n", out);
	}
	fputs("</div>\n", out);
	put_more(out, s->n_problems);
	fputs("</section>\n", out);
}

static void put_warned(const struct page *page, const struct cell_sum *cell, enum warning kind)
{
	char label[300], text[200];
	FILE *out = page->out;

	groups_label(page->groups, cell, label, sizeof(label));
	warning_text(cell, kind, text, sizeof(text));
	fprintf(out, "<div class=\"item\"><span class=\"chip\">%u of %u runs</span> <b>",
		cell->warnings[kind], cell_total(cell));
	html_text(out, label);
	fputs("</b><br>", out);
	html_text(out, text);
	fputs("</div>\n", out);
}

/* One fold for each kind, with its worst cell in sight. */
static void put_warnings(const struct page *page, enum warning kind)
{
	const struct summary *s = page->summary;
	const struct cell_sum *worst;
	size_t n = warning_cells(s, kind, &worst), shown = 0;

	if (!n)
		return;
	fputs("<div class=\"list\">\n", page->out);
	put_warned(page, worst, kind);
	if (n > 1)
		fprintf(page->out,
			"<details class=\"raw\"><summary>and %zu more cell%s</summary>\n", n - 1,
			n == 2 ? "" : "s");
	for (size_t i = 0; i < s->n_cells && shown < ROWS_MAX; i++) {
		if (!s->cells[i]->warnings[kind] || s->cells[i] == worst)
			continue;
		put_warned(page, s->cells[i], kind);
		shown++;
	}
	put_more(page->out, n - 1);
	fputs(n > 1 ? "</details></div>\n" : "</div>\n", page->out);
}

void html_warnings(const struct page *page)
{
	const struct cell_sum *worst;
	size_t n = 0;

	for (int k = 0; k < WARN_COUNT; k++)
		n += warning_cells(page->summary, (enum warning)k, &worst);
	if (!n)
		return;
	put_open(page->out, "warnings", "Worth a doubt");
	for (int k = 0; k < WARN_COUNT; k++)
		put_warnings(page, (enum warning)k);
	fputs("</section>\n", page->out);
}

void html_notes(const struct page *page)
{
	const struct summary *s = page->summary;
	FILE *out = page->out;
	char label[300];

	if (!s->n_notes)
		return;
	put_open(out, "notes", "Notes");
	fputs("<ul class=\"notes\">\n", out);
	for (size_t i = 0; i < s->n_notes && i < ROWS_MAX; i++) {
		fputs("<li>", out);
		html_text(out, s->notes[i].text);
		if (s->notes[i].worst)
			html_printf(out, "; the worst: %s", s->notes[i].worst);
		fprintf(out, " <span class=\"dim\">(%u run%s, %s", s->notes[i].count,
			s->notes[i].count == 1 ? "" : "s", s->notes[i].count == 1 ? "" : "e.g. ");
		groups_label(page->groups, s->notes[i].cell, label, sizeof(label));
		html_text(out, label);
		fputs(")</span></li>\n", out);
	}
	fputs("</ul>\n", out);
	put_more(out, s->n_notes);
	fputs("</section>\n", out);
}

static void put_scalar(FILE *out, const cJSON *item)
{
	if (cJSON_IsString(item))
		html_text(out, item->valuestring);
	else if (cJSON_IsNumber(item))
		fprintf(out, "%.15g", item->valuedouble);
	else if (cJSON_IsBool(item))
		fputs(cJSON_IsTrue(item) ? "yes" : "no", out);
	else
		fputs("<span class=\"dim\">not known</span>", out);
}

/* One row for each leaf of the manifest's host object; nested names joined by a blank. */
static void put_leaves(FILE *out, const cJSON *object, const char *prefix)
{
	const cJSON *item;
	char name[160];

	cJSON_ArrayForEach (item, object) {
		const char *key = item->string ? item->string : "";

		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix && *key ? " " : "", key);
		if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
			put_leaves(out, item, name);
			continue;
		}
		fputs("<tr><th scope=\"row\">", out);
		html_text(out, name);
		fputs("</th><td>", out);
		put_scalar(out, item);
		fputs("</td></tr>\n", out);
	}
}

void html_host(const struct page *page)
{
	const cJSON *m = page->summary->manifest;
	char *matrix = cJSON_Print(get(m, "matrix"));
	FILE *out = page->out;

	put_open(out, "host", "Host");
	fputs("<div class=\"scroll\"><table class=\"plain host\"><tbody>\n", out);
	put_leaves(out, get(m, "host"), "");
	fputs("</tbody></table></div>\n<details class=\"raw\"><summary>The matrix, as it was read"
	      "</summary><pre>",
	      out);
	html_text(out, matrix ? matrix : "");
	fputs("</pre></details>\n</section>\n", out);
	cJSON_free(matrix);
}
