// SPDX-License-Identifier: MIT
/*
 * calibration.json as text: one line that says it all, then what it rests on. Everything is read
 * from the JSON, so that a calibration that is printed again says the same.
 */
#include "harness/cli/calibrate_text.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "harness/calibrate/calibrate.h"

#define LABEL_WIDTH 36

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number(const cJSON *o, const char *key)
{
	const cJSON *item = at(o, key);

	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static const char *text(const cJSON *o, const char *key)
{
	const char *value = cJSON_GetStringValue(at(o, key));

	return value ? value : "-";
}

/* "1 of 60 (0.1..7.7 %)" */
static const char *share(const cJSON *o, char buf[static 64])
{
	if (!(number(o, "of") > 0))
		return strcpy(buf, "none");
	snprintf(buf, 64, "%.0f of %.0f (%.1f..%.1f %%)", number(o, "hits"), number(o, "of"),
		 100 * number(o, "low"), 100 * number(o, "high"));
	return buf;
}

/* "12.3 %", or "-" where it is not known. */
static const char *percent(const cJSON *o, const char *key, const char *format, char buf[static 32])
{
	double value = 100 * number(o, key);

	if (isfinite(value))
		snprintf(buf, 32, format, value);
	else
		strcpy(buf, "-");
	return buf;
}

static bool check_holds(const cJSON *o, const char *name)
{
	const cJSON *check;

	cJSON_ArrayForEach (check, at(o, "checks"))
		if (!strcmp(text(check, "check"), name))
			return cJSON_IsTrue(at(check, "ok"));
	return true;
}

static void put_row(FILE *out, const cJSON *o, const char *check, const char *title,
		    const char *says)
{
	fprintf(out, "  %-14s%s%s\n", title, says,
		!check			? ""
		: check_holds(o, check) ? "  ok"
					: "  NOT AS IT SHOULD BE");
}

static void put_unjudged(FILE *out, const cJSON *o)
{
	if (number(o, "unjudged") > 0)
		fprintf(out,
			"%.0f gates could not be judged, and do not count: of %.0f pairs %.0f were "
			"discarded, since others had too much\nof the CPUs. A quieter machine helps, or "
			"--max-foreign and --max-steal, which later gates then need, too.\n",
			number(o, "unjudged"), number(o, "pairs"), number(o, "discarded"));
}

static void put_headline(FILE *out, const cJSON *o)
{
	const cJSON *alarms = at(o, "alarms");

	fprintf(out, "%s", text(o, "verdict"));
	if (cJSON_IsString(at(o, "failed")))
		fprintf(out, ": %s", text(o, "failed"));
	if (alarms && number(alarms, "of") > 0)
		fprintf(out, ": %.0f alarms in %.0f gates without a difference, at most %.1f %%",
			number(alarms, "hits"), number(alarms, "of"), 100 * number(alarms, "high"));
	else if (alarms && !(number(o, "unjudged") > 0))
		fputs(": no gate was finished", out);
	if (isfinite(number(o, "sees")))
		fprintf(out, "; on this machine this gate sees >= %.1f %%",
			100 * number(o, "sees"));
	fputc('\n', out);
	put_unjudged(out, o);
}

static void put_margin(FILE *out, const cJSON *o)
{
	const cJSON *margin = at(o, "margin");
	bool learnt = !strcmp(text(margin, "from"), CALIBRATION_FROM_BUILDS);
	char says[128];

	if (learnt)
		snprintf(says, sizeof(says), "%.2f %%: %.0f builds of one text differ by %.2f %%",
			 100 * number(margin, "margin"), number(margin, "builds"),
			 100 * number(margin, "differ"));
	else
		snprintf(says, sizeof(says),
			 "%.2f %%, the default: several builds (--build) would tell",
			 100 * number(margin, "margin"));
	put_row(out, o, NULL, "margin", says);
}

static void put_same(FILE *out, const cJSON *o)
{
	const cJSON *uniform = at(o, "uniform"), *symmetry = at(o, "symmetry");
	const cJSON *coverage = at(o, "coverage");
	char a[64], b[64], says[192];

	fprintf(out, "\nbase against a copy of base: %.0f gates, %.0f pairs (%.0f discarded)\n",
		number(o, "gates"), number(o, "pairs"), number(o, "discarded"));
	put_row(out, o, "alarms", "alarms", share(at(o, "alarms"), a));
	put_row(out, o, NULL, "improved", share(at(o, "improved"), a));
	snprintf(says, sizeof(says), "%.0f first stages, Kolmogorov-Smirnov p = %.3f",
		 number(uniform, "n"), number(uniform, "p"));
	put_row(out, o, "uniform", "uniform p", says);
	snprintf(says, sizeof(says), "%.0f estimates above 0, %.0f below, p = %.3f",
		 number(symmetry, "positive"), number(symmetry, "negative"), number(symmetry, "p"));
	put_row(out, o, "symmetry", "symmetry", says);
	snprintf(says, sizeof(says), "90 %%: %s; 95 %%: %s", share(at(coverage, "90"), a),
		 share(at(coverage, "95"), b));
	put_row(out, o, "coverage", "0 inside", says);
	put_row(out, o, NULL, "inconclusive", share(at(o, "inconclusive"), a));
	put_margin(out, o);
}

static void put_cells(FILE *out, const cJSON *o)
{
	const cJSON *cell;
	char a[64], deviation[32], mde[32];

	fprintf(out, "\n  %-*s %6s %9s %7s  %s\n", LABEL_WIDTH, "cell", "pairs", "deviation",
		"sees", "inconclusive");
	cJSON_ArrayForEach (cell, at(o, "cells"))
		fprintf(out, "  %-*.*s %6.0f %9s %7s  %s\n", LABEL_WIDTH, LABEL_WIDTH,
			text(cell, "label"), number(cell, "pairs"),
			percent(cell, "deviation", "%.2f %%", deviation),
			percent(cell, "mde", "%.1f %%", mde), share(at(cell, "inconclusive"), a));
}

static void put_sets(FILE *out, const char *side, const cJSON *sets)
{
	const cJSON *set;

	cJSON_ArrayForEach (set, sets)
		fprintf(out, " %s %s", side, cJSON_GetStringValue(set));
}

static void put_power(FILE *out, const cJSON *log)
{
	const cJSON *cell;
	char a[64], estimate[32], low[32], high[32];

	fprintf(out, "\nhead is another (");
	if (number(log, "slow") > 0)
		fprintf(out, "a pad of %g %% of each operation", 100 * number(log, "slow"));
	else
		fputs(text(log, "log"), out);
	put_sets(out, "base", at(log, "base_set"));
	put_sets(out, "head", at(log, "head_set"));
	fprintf(out, "): %.0f gates\n  %-*s %6s %8s %18s  %s\n", number(log, "gates"), LABEL_WIDTH,
		"cell", "pairs", "came to", "95 %", "found");
	cJSON_ArrayForEach (cell, at(log, "cells"))
		fprintf(out, "  %-*.*s %6.0f %8s [%6s, %6s]  %s\n", LABEL_WIDTH, LABEL_WIDTH,
			text(cell, "label"), number(cell, "pairs"),
			percent(cell, "estimate", "%+.1f %%", estimate),
			percent(cell, "low", "%+.1f", low), percent(cell, "high", "%+.1f", high),
			share(at(cell, "regressed"), a));
}

void calibrate_text(const cJSON *o, FILE *out)
{
	const cJSON *log;

	put_headline(out, o);
	if (at(o, "alarms")) {
		if (number(o, "gates") > 0)
			put_same(out, o);
		put_cells(out, o);
	}
	cJSON_ArrayForEach (log, at(o, "power"))
		put_power(out, log);
	fputs("\nIn brackets behind shares: one-sided bounds of 95 % each.\n", out);
}
