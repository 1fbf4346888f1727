// SPDX-License-Identifier: MIT
/* Words for figures. A figure that is not known is "-", a sentence that is not known is "". */
#include "reports/verdict_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/escape.h"
#include "reports/get.h"

/* Without its unit, for the first of two. */
static const char *number(char buf[FMT_MAX], double fraction)
{
	char *end;

	fmt_percent(buf, fraction, true);
	end = strstr(buf, " %");
	if (end)
		*end = '\0';
	return buf;
}

const char *words_interval(char buf[FMT_MAX], double low, double high)
{
	char a[FMT_MAX], b[FMT_MAX];

	if (!isfinite(low) && !isfinite(high))
		return strcpy(buf, "-");
	snprintf(buf, FMT_MAX, "%.16s .. %.16s", isfinite(low) ? number(a, low) : "?",
		 isfinite(high) ? fmt_percent(b, high, true) : "?");
	return buf;
}

const char *words_change(char buf[WORDS_MAX], const struct verdict_row *row)
{
	char a[FMT_MAX], b[FMT_MAX];

	if (!isfinite(row->estimate))
		return strcpy(buf, "-");
	snprintf(buf, WORDS_MAX, "%s (%s)", fmt_percent(a, row->estimate, true),
		 words_interval(b, row->low, row->high));
	return buf;
}

const char *words_p(char buf[FMT_MAX], double p)
{
	if (!isfinite(p))
		return strcpy(buf, "-");
	if (p < 0.0001)
		return strcpy(buf, "< 0.0001");
	snprintf(buf, FMT_MAX, p < 0.001 ? "%.4f" : p < 0.0995 ? "%.3f" : "%.2f", p);
	return buf;
}

double words_row_p(const struct verdict_row *row)
{
	return isfinite(row->p_adjusted) ? row->p_adjusted : row->p;
}

const char *words_pairs(char buf[FMT_MAX], const struct verdicts *v, const struct verdict_row *row)
{
	if (!isfinite(row->n1))
		return strcpy(buf, "-");
	if (v->paired && row->n2 > 0)
		snprintf(buf, FMT_MAX, "%.0f + %.0f", row->n1, row->n2);
	else
		snprintf(buf, FMT_MAX, "%.0f", row->n1);
	return buf;
}

const char *words_pairs_title(const struct verdicts *v)
{
	return v->paired ? "pairs" : "sessions";
}

const char *words_why(char buf[WORDS_MAX], const struct verdicts *v, const struct verdict_row *row)
{
	const struct verdict_cell *cell = verdict_cell_of(v, row);
	char text[4 * WORDS_MAX];
	int n = 0;

	if (*row->metric || !cell->broken)
		return escape_shorten(buf, WORDS_MAX, row->why, WORDS_MAX, 0);
	if (*cell->side)
		n = snprintf(text, sizeof(text), "%.20s %.20s: ", cell->side, cell->status);
	snprintf(text + n, sizeof(text) - (size_t)n, "%.1900s", cell->reason);
	return escape_shorten(buf, WORDS_MAX, text, WORDS_MAX, 0);
}

const char *words_remark(char buf[WORDS_MAX], const struct verdicts *v,
			 const struct verdict_row *row)
{
	char why[WORDS_MAX];

	words_why(why, v, row);
	if (row->gated)
		return strcpy(buf, why);
	snprintf(buf, WORDS_MAX, "fails nothing%s%.1580s", *why ? "; " : "", why);
	return buf;
}

const char *words_label(char buf[LABEL_SIZE], const struct verdict_cell *cell, size_t most)
{
	return escape_shorten(buf, LABEL_SIZE, *cell->label ? cell->label : cell->id, most,
			      most * 2 / 5);
}

const char *words_metric(const struct verdict_row *row)
{
	return *row->metric ? row->metric : "cell";
}

const char *words_headline(char buf[WORDS_MAX], const struct verdicts *v)
{
	const char *line = v->line;
	char text[8 * WORDS_MAX];
	bool named = !strncmp(line, v->verdict, strlen(v->verdict));

	snprintf(text, sizeof(text), "%s%s%.9000s", named ? "" : v->verdict,
		 named || !*line ? "" : ": ", line);
	return escape_shorten(buf, WORDS_MAX, text, WORDS_MAX, 0);
}

const char *words_sides(char buf[WORDS_MAX], const struct verdicts *v)
{
	char base[WORDS_MAX / 2], head[WORDS_MAX / 2];

	buf[0] = '\0';
	if (*v->base || *v->head)
		snprintf(buf, WORDS_MAX, "%s%s against %s%s", v->paired ? "head " : "",
			 escape_shorten(head, sizeof(head), *v->head ? v->head : "?", 50, 0),
			 v->paired ? "base " : "",
			 escape_shorten(base, sizeof(base), *v->base ? v->base : "?", 50, 0));
	return buf;
}

const char *words_extent(char buf[WORDS_MAX], const struct verdicts *v)
{
	double pairs = get_number(v->document, "pairs");
	double discarded = get_number(v->document, "discarded");
	double seconds = get_number(v->document, "duration");
	char span[FMT_MAX];
	int n = snprintf(buf, WORDS_MAX, "%u cell%s", v->n_cells, v->n_cells == 1 ? "" : "s");

	if (v->paired && isfinite(pairs))
		n += snprintf(buf + n, WORDS_MAX - (size_t)n, ", %.0f pair%s", pairs,
			      pairs == 1 ? "" : "s");
	if (v->paired && discarded > 0)
		n += snprintf(buf + n, WORDS_MAX - (size_t)n, " (%.0f discarded)", discarded);
	if (isfinite(seconds))
		snprintf(buf + n, WORDS_MAX - (size_t)n, " in %s", fmt_span(span, seconds));
	return buf;
}

const char *words_sees(char buf[WORDS_MAX], const struct verdicts *v)
{
	double sees = get_number(v->document, "sees");
	char a[FMT_MAX];

	buf[0] = '\0';
	if (isfinite(sees))
		snprintf(buf, WORDS_MAX, "sees changes from %s on", fmt_percent(a, sees, false));
	return buf;
}

const char *words_control(char buf[WORDS_MAX], const struct verdicts *v)
{
	const cJSON *c = v->control;
	double pairs = fmax(get_number(c, "pairs"), 0), wanted = get_number(c, "wanted");
	char a[FMT_MAX], b[FMT_MAX], p[FMT_MAX], of[FMT_MAX] = "";

	buf[0] = '\0';
	if (wanted > pairs)
		snprintf(of, sizeof(of), " of %.0f", wanted);
	if (c)
		snprintf(buf, WORDS_MAX, "A/A control %s (%s), p %s, %.0f%s pairs",
			 fmt_percent(a, get_number(c, "estimate"), true),
			 words_interval(b, get_number(c, "low"), get_number(c, "high")),
			 words_p(p, get_number(c, "p")), pairs, of);
	return buf;
}

const char *words_calibration(char buf[WORDS_MAX], const struct verdicts *v)
{
	const cJSON *c = get(v->document, "calibration"), *alarms = get(c, "alarms");
	double sees = get_number(c, "sees");
	char a[FMT_MAX];

	buf[0] = '\0';
	if (cJSON_IsObject(c) && isfinite(sees))
		snprintf(buf, WORDS_MAX,
			 "on this machine this gate sees >= %s, calibrated %.10s: %.0f alarms in "
			 "%.0f gates without a difference",
			 fmt_percent(a, sees, false), get_text(c, "started"),
			 fmax(get_number(alarms, "hits"), 0), fmax(get_number(alarms, "of"), 0));
	return buf;
}

const char *words_counts(char buf[WORDS_MAX], const unsigned counts[VERDICT_KINDS])
{
	size_t n = 0;

	buf[0] = '\0';
	for (int i = 0; i < VERDICT_KINDS; i++)
		if (counts[i])
			n += (size_t)snprintf(buf + n, WORDS_MAX - n, "%s%u %s", n ? ", " : "",
					      counts[i], verdict_names[i]);
	return buf;
}

const char *words_legend(const struct verdicts *v)
{
	if (v->paired)
		return "change: of time or events for each operation, + is worse; Hodges-Lehmann "
		       "estimate over the pairs, with its 95 % interval. sees: the smallest change "
		       "that so many pairs show.";
	return "change: of time or events for each operation, + is worse; against what the "
	       "baseline's sessions predict, with its 95 % interval. sees: the smallest change that "
	       "shows.";
}
