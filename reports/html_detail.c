// SPDX-License-Identifier: MIT
/* The tables and stages that one cell's target tells, in the part of it that is folded out. */
#include <math.h>

#include "reports/detail.h"
#include "reports/fmt.h"
#include "reports/get.h"
#include "reports/html.h"
#include "reports/html_rows.h"

#define DETAIL_ROWS_SHOWN 256

static void put_columns(FILE *out, const cJSON *detail)
{
	const cJSON *column;
	int k = 0;

	fputs("<div class=\"scroll\"><table class=\"plain probe\"><thead><tr>", out);
	cJSON_ArrayForEach (column, get(detail, "columns")) {
		fprintf(out, "<th%s title=\"", *detail_unit(detail, k++) ? " class=\"n\"" : "");
		html_text(out, get_text(column, "says"));
		fputs("\">", out);
		html_text(out, get_text(column, "name"));
		fputs("</th>", out);
	}
	fputs("</tr></thead><tbody>\n", out);
}

static void put_values(FILE *out, const cJSON *detail, const cJSON *row)
{
	const cJSON *value;
	char text[FMT_MAX];
	int k = 0;

	rows_begin(out);
	cJSON_ArrayForEach (value, row) {
		const char *unit = detail_unit(detail, k++);

		if (cJSON_IsString(value))
			rows_text(out, value->valuestring);
		else if (*unit)
			rows_figure(out, cJSON_IsNumber(value) ? value->valuedouble : NAN, unit);
		else
			rows_text(out, cJSON_IsNumber(value) ? fmt_count(text, value->valuedouble)
							     : "-");
	}
	rows_end(out);
}

static void put_table(FILE *out, const cJSON *detail)
{
	const cJSON *row;
	int n = 0;

	put_columns(out, detail);
	cJSON_ArrayForEach (row, get(detail, "rows"))
		if (n++ < DETAIL_ROWS_SHOWN)
			put_values(out, detail, row);
	rows_close(out, 0);
	if (n > DETAIL_ROWS_SHOWN)
		fprintf(out, "<p class=\"dim\">%d more rows are in the JSON report.</p>\n",
			n - DETAIL_ROWS_SHOWN);
}

static void put_stages(FILE *out, const struct stage_split *split)
{
	fputs("<div class=\"scroll\"><table class=\"plain probe\"><thead><tr><th>stage</th>"
	      "<th>from</th><th>to</th><th class=\"n\">mean</th><th class=\"n\">share</th></tr>"
	      "</thead><tbody>\n",
	      out);
	for (unsigned i = 0; i < split->n; i++) {
		const struct stage *stage = &split->list[i];

		rows_begin(out);
		rows_text(out, stage->name);
		rows_text(out, stage->from);
		rows_text(out, stage->to);
		rows_figure(out, stage->mean_ns, "ns");
		rows_share(out, stage->share);
		rows_end(out);
	}
	rows_begin(out);
	rows_text(out, "not joined");
	fputs("<td></td><td></td><td></td>", out);
	rows_share(out, split->rest);
	rows_end(out);
	rows_close(out, 0);
	if (split->missed > 0)
		fprintf(out,
			"<p class=\"dim\">Of %.2f %% of the operations the stages are not known."
			"</p>\n",
			split->missed * 100);
}

void html_details(FILE *out, const struct cell_sum *cell)
{
	struct stage_split split;
	const cJSON *detail;

	cJSON_ArrayForEach (detail, cell->detail) {
		bool table = detail_is_table(detail), stages = detail_stages(detail, &split);

		if (!table && !stages)
			continue;
		rows_title(out, detail_title(detail), get_text(detail, "says"));
		if (table)
			put_table(out, detail);
		else
			put_stages(out, &split);
	}
}
