// SPDX-License-Identifier: MIT
/* The formats, one row each. */
#include "reports/report.h"

#include <string.h>

const struct report_writer report_writers[] = {
	{"text", "table for people", NULL, report_text},
	{"json", "one document: medians, ranges and values for each cell", NULL, report_json},
	{"csv", "long form, one line for each metric of each run", NULL, report_csv},
	{"hdr", "HdrHistogram interval log, V2 encoding", NULL, report_hdr},
	{"html", "one self-contained page with plots", "report.html", report_html},
	{NULL},
};

const struct report_writer *report_find(const char *name)
{
	const struct report_writer *w = report_writers;

	while (w->name && strcmp(w->name, name))
		w++;
	return w->name ? w : NULL;
}
