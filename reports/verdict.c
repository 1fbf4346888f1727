// SPDX-License-Identifier: MIT
/* The formats of a gate, one row each. */
#include "reports/verdict.h"

#include <string.h>

const struct report_writer verdict_writers[] = {
	{"text", "the verdict in one line, then a table", NULL, verdict_text},
	{"json", "verdicts.json as it is", NULL, verdict_json},
	{"csv", "one line for each metric of each cell", NULL, verdict_csv},
	{"markdown", "a comment on a pull request", NULL, verdict_markdown},
	{"annotations", "::error:: and the like, for GitHub's runner", NULL, verdict_annotations},
	{"junit", "JUnit XML: a cell is a test case", NULL, verdict_junit},
	{"openmetrics", "OpenMetrics text", NULL, verdict_openmetrics},
	{"html", "one self-contained page with the pairs", "gate.html", verdict_html},
	{NULL},
};

const struct report_writer *verdict_find(const char *name)
{
	const struct report_writer *w = verdict_writers;

	while (w->name && strcmp(w->name, name))
		w++;
	return w->name ? w : NULL;
}
