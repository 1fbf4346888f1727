// SPDX-License-Identifier: MIT
/*
 * JUnit XML, as GitLab, Jenkins and their like read it: a cell is a test case. It fails where a
 * gated metric has regressed, is an error where a run of it failed, and is skipped, with the
 * reason, where the gate could not tell or regressions were let pass. A gate that ends with an
 * error of which no cell tells (contaminated, interrupted, without a control or a comparable
 * baseline) is an error of its own, and no cell passes.
 */
#include <math.h>
#include <string.h>

#include "harness/exitcode.h"
#include "harness/util/cleanup.h"
#include "reports/escape.h"
#include "reports/get.h"
#include "reports/verdict.h"
#include "reports/verdict_words.h"

struct totals {
	unsigned tests, failures, errors, skipped;
};

/* The worst gated row decides; NULL: the cell has none. */
static const struct verdict_row *decides(const struct verdicts *v, const struct verdict_cell *cell)
{
	const struct verdict_row *worst = NULL;

	for (unsigned i = 0; i < cell->n_rows; i++) {
		const struct verdict_row *row = &v->rows[cell->first + i];

		if (row->gated && (!worst || row->what < worst->what))
			worst = row;
	}
	return worst;
}

static bool is_red(const struct verdicts *v, const struct verdict_row *row)
{
	return row && (row->what == VERDICT_FAILED ||
		       (row->what == VERDICT_REGRESSED && v->regressions_fail));
}

static bool is_skipped(const struct verdicts *v, const struct verdict_row *row)
{
	return !row || row->what == VERDICT_INCONCLUSIVE || row->what == VERDICT_SKIPPED ||
	       (row->what == VERDICT_REGRESSED && !v->regressions_fail);
}

/* Is it the gate that failed, and not its cells? One that was inconclusive has such cells, but for
 * what only advises and what had nothing to compare. */
static bool whole_failed(const struct verdicts *v)
{
	if (!v->judged)
		return true;
	if (!isfinite(v->exit_code) || v->exit_code == EXITCODE_OK ||
	    v->exit_code == EXITCODE_NOTHING_RAN)
		return false;
	if (v->exit_code == EXITCODE_INCONCLUSIVE)
		return v->advice || !v->n_rows;
	for (unsigned i = 0; i < v->n_cells; i++)
		if (is_red(v, decides(v, &v->cells[i])))
			return false;
	return true;
}

static struct totals count(const struct verdicts *v, bool whole)
{
	struct totals t = {.tests = v->n_cells + whole, .errors = whole};

	for (unsigned i = 0; i < v->n_cells; i++) {
		const struct verdict_row *row = decides(v, &v->cells[i]);

		if (whole || is_skipped(v, row))
			t.skipped++;
		else if (row->what == VERDICT_FAILED)
			t.errors++;
		else if (row->what == VERDICT_REGRESSED)
			t.failures++;
	}
	return t;
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	escape_xml(out, value);
	fputc('"', out);
}

static void put_property(FILE *out, const char *name, const char *value)
{
	if (!*value)
		return;
	fputs("   <property", out);
	put_attribute(out, "name", name);
	put_attribute(out, "value", value);
	fputs("/>\n", out);
}

static void put_element(FILE *out, const char *name, const char *type, const char *message)
{
	fprintf(out, "   <%s", name);
	if (*type)
		put_attribute(out, "type", type);
	put_attribute(out, "message", message);
	fputs("/>\n", out);
}

/* Every regressed metric in one message: a test case has one failure, or is skipped once. */
static void put_regressed(FILE *out, const struct verdicts *v, const struct verdict_cell *cell)
{
	char message[4 * WORDS_MAX], change[WORDS_MAX];
	const char *before = v->regressions_fail ? "" : "regressed, which fails nothing: ";
	size_t n = 0;

	for (unsigned i = 0; i < cell->n_rows; i++) {
		const struct verdict_row *row = &v->rows[cell->first + i];

		if (!row->gated || row->what != VERDICT_REGRESSED || n >= sizeof(message))
			continue;
		n += (size_t)snprintf(message + n, sizeof(message) - n, "%s%s %s", before,
				      row->metric, words_change(change, row));
		before = "; ";
	}
	if (v->regressions_fail)
		put_element(out, "failure", "regressed", message);
	else
		put_element(out, "skipped", "", message);
}

static void put_outcome(FILE *out, const struct verdicts *v, const struct verdict_cell *cell,
			bool whole)
{
	const struct verdict_row *row = decides(v, cell);
	char text[WORDS_MAX];

	if (whole)
		put_element(out, "skipped", "", v->verdict);
	else if (!row)
		put_element(out, "skipped", "", "none of its metrics is gated");
	else if (row->what == VERDICT_FAILED)
		put_element(out, "error", "failed", words_remark(text, v, row));
	else if (row->what == VERDICT_REGRESSED)
		put_regressed(out, v, cell);
	else if (is_skipped(v, row))
		put_element(out, "skipped", "", words_remark(text, v, row));
}

static void put_figures(FILE *out, const struct verdicts *v, const struct verdict_cell *cell)
{
	char change[WORDS_MAX], remark[WORDS_MAX], a[FMT_MAX];

	fputs("   <system-out>", out);
	for (unsigned i = 0; i < cell->n_rows; i++) {
		const struct verdict_row *row = &v->rows[cell->first + i];

		words_remark(remark, v, row);
		escape_xml(out, words_metric(row));
		fprintf(out, ": %s, %s, base ", verdict_names[row->what],
			words_change(change, row));
		escape_xml(out, fmt_value(a, row->base, row->unit, false));
		fputs(", head ", out);
		escape_xml(out, fmt_value(a, row->head, row->unit, false));
		fputs(*remark ? ", " : "", out);
		escape_xml(out, remark);
		fputc('\n', out);
	}
	fputs("</system-out>\n", out);
}

/* "wal/group threads=8": the class is what stands before the first blank. Names are whole: cells
 * whose names were cut could not be told apart. */
static void put_case(FILE *out, const struct verdicts *v, const struct verdict_cell *cell,
		     bool whole)
{
	const char *label = *cell->label ? cell->label : cell->id;
	char class[LABEL_SIZE];

	snprintf(class, sizeof(class), "uhbench.%.*s", (int)strcspn(label, " "), label);
	fputs("  <testcase", out);
	put_attribute(out, "classname", class);
	put_attribute(out, "name", label);
	fputs(">\n", out);
	put_outcome(out, v, cell, whole);
	put_figures(out, v, cell);
	fputs("  </testcase>\n", out);
}

static void put_suite(FILE *out, const struct verdicts *v, bool whole)
{
	char text[WORDS_MAX], counts[200];
	struct totals t = count(v, whole);

	snprintf(counts, sizeof(counts),
		 " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\"",
		 t.tests, t.failures, t.errors, t.skipped,
		 fmax(get_number(v->document, "duration"), 0));
	snprintf(text, sizeof(text), "uhbench%s%.200s", *v->name ? " " : "", v->name);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
	fprintf(out, "%s>\n <testsuite", counts);
	put_attribute(out, "name", text);
	fprintf(out, "%s>\n  <properties>\n", counts);
	put_property(out, "verdict", v->verdict);
	put_property(out, "line", v->line);
	put_property(out, "gate", get_text(v->document, "gate"));
	put_property(out, "base", v->base);
	put_property(out, "head", v->head);
	put_property(out, "control", words_control(text, v));
	put_property(out, "sees", words_sees(text, v));
	fputs("  </properties>\n", out);
}

int verdict_junit(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	char line[WORDS_MAX];
	int code = verdicts_load(options->dir, &v, err);
	bool whole;

	if (code)
		return code;
	whole = whole_failed(v);
	put_suite(out, v, whole);
	if (whole) {
		fputs("  <testcase classname=\"uhbench\" name=\"the gate\">\n", out);
		put_element(out, "error", v->verdict, words_headline(line, v));
		fputs("  </testcase>\n", out);
	}
	for (unsigned i = 0; i < v->n_cells; i++)
		put_case(out, v, &v->cells[i], whole);
	fputs(" </testsuite>\n</testsuites>\n", out);
	return 0;
}
