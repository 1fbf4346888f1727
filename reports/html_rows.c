// SPDX-License-Identifier: MIT
/* Small pieces that the tables about probes are made of. */
#include "reports/html_rows.h"

#include <math.h>
#include <string.h>

#include "reports/fmt.h"
#include "reports/html.h"

void rows_title(FILE *out, const char *title, const char *small)
{
	fputs("<h4>", out);
	html_text(out, title);
	if (*small) {
		fputs(" <small>", out);
		html_text(out, small);
		fputs("</small>", out);
	}
	fputs("</h4>\n", out);
}

void rows_open(FILE *out, const struct probes_view *v, const char *const *titles)
{
	fputs("<div class=\"scroll\"><table class=\"plain probe\"><thead><tr>", out);
	for (; *titles; titles++) {
		bool figures = **titles == '#';
		size_t length = strcspn(*titles + figures, "@");

		if (v->total && !strcmp(*titles, "#@"))
			continue;
		fputs(figures ? "<th class=\"n\">" : "<th>", out);
		html_printf(out, "%.*s%s", (int)length, *titles + figures,
			    (*titles + figures)[length] ? view_per(v) : "");
		fputs("</th>", out);
	}
	fputs("</tr></thead><tbody>\n", out);
}

void rows_close(FILE *out, int total)
{
	fputs("</tbody></table></div>\n", out);
	if (total > ROWS_SHOWN)
		fprintf(out, "<p class=\"dim\">%d more rows with less time.</p>\n",
			total - ROWS_SHOWN);
}

void rows_begin(FILE *out)
{
	fputs("<tr>", out);
}

void rows_end(FILE *out)
{
	fputs("</tr>\n", out);
}

void rows_text(FILE *out, const char *text)
{
	fputs("<td>", out);
	html_text(out, text);
	fputs("</td>", out);
}

void rows_figure(FILE *out, double v, const char *unit)
{
	char text[FMT_MAX];

	fputs("<td class=\"n\">", out);
	html_text(out, fmt_value(text, v, unit, true));
	fputs("</td>", out);
}

void rows_share(FILE *out, double share)
{
	if (isfinite(share))
		fprintf(out, "<td class=\"n\">%.1f %%</td>", share * 100);
	else
		fputs("<td class=\"n\">-</td>", out);
}

void rows_stack(FILE *out, const cJSON *stack)
{
	const cJSON *frame;

	if (!cJSON_IsArray(stack) || !stack->child) {
		fputs("<td class=\"dim\">no stack</td>", out);
		return;
	}
	fputs("<td><details class=\"raw stack\"><summary>", out);
	html_text(out, view_frame(stack));
	fputs("</summary><pre>", out);
	cJSON_ArrayForEach (frame, stack)
		html_printf(out, "%s\n", cJSON_IsString(frame) ? frame->valuestring : "?");
	fputs("</pre></details></td>", out);
}
