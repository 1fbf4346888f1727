// SPDX-License-Identifier: MIT
/* Questions a writer asks of a finished summary. */
#include "reports/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/order.h"
#include "reports/fmt.h"

const char *const figure_metrics[FIGURE_COUNT] = {"throughput", "latency_p50", "latency_p99"};

unsigned cell_total(const struct cell_sum *cell)
{
	unsigned n = 0;

	for (int i = 0; i < STATUS_COUNT; i++)
		n += cell->runs[i];
	return n;
}

const struct metric_sum *cell_metric(const struct cell_sum *cell, const char *name)
{
	for (unsigned i = 0; i < cell->n_metrics; i++)
		if (!strcmp(cell->metrics[i].name, name))
			return &cell->metrics[i];
	return NULL;
}

const struct hist_sum *cell_hist(const struct cell_sum *cell, const char *name)
{
	for (unsigned i = 0; i < cell->n_hists; i++)
		if (!strcmp(cell->hists[i].name, name))
			return &cell->hists[i];
	return NULL;
}

const struct field *cell_field(const struct cell_sum *cell, const char *name, bool knob)
{
	for (unsigned i = 0; i < cell->n_fields; i++)
		if (cell->fields[i].knob == knob && !strcmp(cell->fields[i].name, name))
			return &cell->fields[i];
	return NULL;
}

double metric_median(const struct metric_sum *m)
{
	return m && !m->nulls ? order_median(m->values, m->n) : NAN;
}

double metric_min(const struct metric_sum *m)
{
	return m && m->n ? m->values[0] : NAN;
}

double metric_max(const struct metric_sum *m)
{
	return m && m->n ? m->values[m->n - 1] : NAN;
}

double cell_median(const struct cell_sum *cell, const char *name)
{
	return metric_median(cell_metric(cell, name));
}

size_t warning_cells(const struct summary *s, enum warning kind, const struct cell_sum **worst)
{
	size_t n = 0;

	*worst = NULL;
	for (size_t i = 0; i < s->n_cells; i++) {
		const struct cell_sum *cell = s->cells[i];

		if (!cell->warnings[kind])
			continue;
		n++;
		if (!*worst || fabs(cell->worst[kind]) > fabs((*worst)->worst[kind]))
			*worst = cell;
	}
	return n;
}

int warning_text(const struct cell_sum *cell, enum warning kind, char *buf, size_t size)
{
	static const char *const forms[WARN_COUNT] = {
		[WARN_NOTHING] = "not one operation was completed",
		[WARN_OVERLOAD] =
			"the rate is too high for the target (%.3g %% of starts not made at worst)",
		[WARN_LOSS] = "%.3g %% of the operations were lost at worst",
		[WARN_ERRORS] = "%.0f operations ended in an error at worst",
		[WARN_LITTLE] =
			"throughput x latency is not what was in flight (off by %.1f %% at worst)",
		[WARN_UNSTEADY] = "the window was not steady (drift %.1f %% at worst)",
		[WARN_STEAL] = "the hypervisor took %.1f %% of a CPU away at worst",
		[WARN_FOREIGN] = "other programs used %.1f %% of a CPU at worst",
	};
	double worst = kind == WARN_LITTLE ? fabs(cell->worst[kind]) : cell->worst[kind];

	if (kind == WARN_NOTHING)
		return snprintf(buf, size, "%s", forms[kind]);
	return snprintf(buf, size, forms[kind], kind == WARN_ERRORS ? worst : worst * 100);
}

int warning_word(const struct cell_sum *cell, enum warning kind, char *buf, size_t size)
{
	static const char *const words[WARN_COUNT] = {
		[WARN_NOTHING] = "nothing done",
		[WARN_OVERLOAD] = "overloaded",
		[WARN_LOSS] = "loss",
		[WARN_ERRORS] = "errors",
		[WARN_LITTLE] = "in-flight?",
		[WARN_UNSTEADY] = "unsteady",
		[WARN_STEAL] = "steal",
		[WARN_FOREIGN] = "foreign CPU",
	};
	char count[FMT_MAX];

	if (kind == WARN_LOSS)
		return snprintf(buf, size, "%s %.2g %%", words[kind], cell->worst[kind] * 100);
	if (kind == WARN_ERRORS)
		return snprintf(buf, size, "%s %s", words[kind],
				fmt_count(count, cell->worst[kind]));
	return snprintf(buf, size, "%s", words[kind]);
}

bool cell_undone(const struct cell_sum *cell)
{
	for (int k = 0; k <= WARN_ERRORS; k++)
		if (cell->warnings[k])
			return true;
	return false;
}
