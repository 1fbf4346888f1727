// SPDX-License-Identifier: MIT
/*
 * OpenMetrics 1.0 text: what a scrape of a file, a push to a gateway or GitLab's metrics report
 * takes. Families follow one another and are never mixed; a figure that is not known has no sample.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/csv.h"
#include "reports/escape.h"
#include "reports/get.h"
#include "reports/verdict.h"
#include "reports/verdict_load.h"

struct family {
	const char *name, *unit, *help; /* the unit is the name's last word, or "" */
	size_t offset;			/* of a double in struct verdict_row */
};

#define FIELD(member) offsetof(struct verdict_row, member)

static const struct family families[] = {
	{"uhbench_gate_change_ratio", "ratio", "Change of head against base; above 0 is worse.",
	 FIELD(estimate)},
	{"uhbench_gate_change_low_ratio", "ratio", "Lower end of the interval of the change.",
	 FIELD(low)},
	{"uhbench_gate_change_high_ratio", "ratio", "Upper end of the interval of the change.",
	 FIELD(high)},
	{"uhbench_gate_p_value", "", "p value of the test that decided.", FIELD(p)},
	{"uhbench_gate_sees_ratio", "ratio", "Smallest change that would have been seen.",
	 FIELD(mde)},
	{"uhbench_gate_base_value", "", "Median of base, in the unit that the label names.",
	 FIELD(base)},
	{"uhbench_gate_head_value", "", "Median of head, in the unit that the label names.",
	 FIELD(head)},
};

static const char *const gate_verdicts[] = {"passed",	    "improved", "regressed", "inconclusive",
					    "contaminated", "failed",	"skipped"};

static void put_family(FILE *out, const char *name, const char *type, const char *unit,
		       const char *help)
{
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (*unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s %s\n", name, help);
}

static void put_label(FILE *out, const char *before, const char *name, const char *value)
{
	fprintf(out, "%s%s=\"", before, name);
	escape_openmetrics(out, value);
	fputc('"', out);
}

static void put_row_labels(FILE *out, const struct verdicts *v, const struct verdict_row *row)
{
	const struct verdict_cell *cell = verdict_cell_of(v, row);

	put_label(out, "{", "cell", cell->id);
	put_label(out, ",", "label", cell->label);
	put_label(out, ",", "metric", row->metric);
	put_label(out, ",", "unit", row->unit);
}

static void put_rows(FILE *out, const struct verdicts *v, const struct family *f)
{
	put_family(out, f->name, "gauge", f->unit, f->help);
	for (unsigned i = 0; i < v->n_rows; i++) {
		double value = *(const double *)((const char *)&v->rows[i] + f->offset);

		if (!isfinite(value))
			continue;
		fputs(f->name, out);
		put_row_labels(out, v, &v->rows[i]);
		fputs("} ", out);
		csv_number(out, value);
		fputc('\n', out);
	}
}

/* The verdict as a label: a set of states would be five lines for each. */
static void put_verdicts(FILE *out, const struct verdicts *v)
{
	put_family(out, "uhbench_gate_metric", "info", "", "Verdict of each metric.");
	for (unsigned i = 0; i < v->n_rows; i++) {
		fputs("uhbench_gate_metric_info", out);
		put_row_labels(out, v, &v->rows[i]);
		put_label(out, ",", "gated", v->rows[i].gated ? "true" : "false");
		put_label(out, ",", "verdict", verdict_names[v->rows[i].what]);
		fputs("} 1\n", out);
	}
}

static void put_gate(FILE *out, const struct verdicts *v)
{
	put_family(out, "uhbench_gate", "info", "", "What was compared.");
	put_label(out, "uhbench_gate_info{", "gate", get_text(v->document, "gate"));
	put_label(out, ",", "kind", v->kind);
	put_label(out, ",", "name", v->name);
	put_label(out, ",", "base", v->base);
	put_label(out, ",", "head", v->head);
	fputs("} 1\n", out);
	put_family(out, "uhbench_gate_verdict", "stateset", "", "Verdict of the whole gate.");
	for (size_t i = 0; i < array_size(gate_verdicts); i++) {
		put_label(out, "uhbench_gate_verdict{", "uhbench_gate_verdict", gate_verdicts[i]);
		fprintf(out, "} %d\n", !strcmp(v->verdict, gate_verdicts[i]));
	}
}

static void put_gauge(FILE *out, const struct verdicts *v, const char *key, const char *name,
		      const char *unit, const char *help)
{
	double value = get_number(v->document, key);

	if (!isfinite(value))
		return;
	put_family(out, name, "gauge", unit, help);
	fprintf(out, "%s ", name);
	csv_number(out, value);
	fputc('\n', out);
}

int verdict_openmetrics(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	int code = verdicts_load(options->dir, &v, err);

	if (code)
		return code;
	put_gate(out, v);
	put_gauge(out, v, "pairs", "uhbench_gate_pairs", "", "Pairs that were measured.");
	put_gauge(out, v, "discarded", "uhbench_gate_discarded_pairs", "",
		  "Pairs that were discarded.");
	put_gauge(out, v, "duration", "uhbench_gate_duration_seconds", "seconds",
		  "How long the gate took.");
	put_verdicts(out, v);
	for (size_t i = 0; i < array_size(families); i++)
		put_rows(out, v, &families[i]);
	fputs("# EOF\n", out);
	return 0;
}
