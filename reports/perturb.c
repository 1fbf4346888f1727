// SPDX-License-Identifier: MIT
/*
 * Paired by repeat: both runs of a pair were made in the same round, with the same seed. Pairs in
 * which either run could not tell the figure are left out, and the number of pairs is said.
 */
#include "reports/perturb.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/util/order.h"

/* Of a probed run, what is compared with the unprobed figure of that kind. */
typedef double (*probed_fn)(const struct run_figures *probed, enum figure_kind kind);

static double whole_window(const struct run_figures *probed, enum figure_kind kind)
{
	return probed->value[kind];
}

/* Of a run that was watched to its end that part is all of it. */
static double watched_part(const struct run_figures *probed, enum figure_kind kind)
{
	return probed->watched < 1 ? probed->watched_rate : probed->value[kind];
}

static double value_of(const struct cell_sum *part, double repeat, enum figure_kind kind)
{
	for (unsigned i = 0; i < part->n_figures; i++)
		if (part->figures[i].repeat == repeat)
			return part->figures[i].value[kind];
	return NAN;
}

static struct perturbation compare_pairs(const struct cell_sum *cell, enum figure_kind kind,
					 probed_fn value)
{
	const struct cell_sum *probed = cell->probed;
	struct perturbation p = {0};
	double *ratios = probed ? calloc(probed->n_figures + 1, sizeof(*ratios)) : NULL;

	for (unsigned i = 0; ratios && i < probed->n_figures; i++) {
		double without = value_of(cell, probed->figures[i].repeat, kind);
		double ratio = value(&probed->figures[i], kind) / without;

		if (isfinite(ratio) && without > 0)
			ratios[p.n++] = ratio;
	}
	if (p.n) {
		order_sort(ratios, p.n);
		p.min = ratios[0];
		p.max = ratios[p.n - 1];
		p.median = order_median(ratios, p.n);
	}
	free(ratios);
	return p;
}

struct perturbation perturb(const struct cell_sum *cell, enum figure_kind kind)
{
	return compare_pairs(cell, kind, whole_window);
}

static bool any_partly(const struct cell_sum *cell)
{
	for (unsigned i = 0; cell->probed && i < cell->probed->n_figures; i++)
		if (cell->probed->figures[i].watched < 1)
			return true;
	return false;
}

static bool off(const struct perturbation *p)
{
	return p->n && fabs(p->median - 1) > PERTURB_BAR;
}

static bool holds_one(const struct perturbation *p)
{
	return p->min <= 1 && p->max >= 1;
}

bool perturb_large(const struct perturbation *p)
{
	return off(p) && !holds_one(p);
}

static const char *verdict(const struct perturbation *p)
{
	if (p->n < 2)
		return off(p) ? ": more than 5 % off, but one pair shows no range"
			      : ": one pair shows no range";
	if (holds_one(p))
		return off(p) ? ": more than 5 % off, but the range holds 1"
			      : ": the range holds 1, no difference is shown";
	return off(p) ? ": more than 5 % off, mind it in what the probes say" : "";
}

int perturb_text(const struct perturbation *p, enum figure_kind kind, char *buf, size_t size)
{
	static const char *const names[FIGURE_COUNT] = {"throughput", "p50", "p99"};

	if (!p->n)
		return snprintf(buf, size, "%s: no pair of runs to compare", names[kind]);
	if (p->n == 1)
		return snprintf(buf, size, "with probes %s is %.3f of that without%s", names[kind],
				p->median, verdict(p));
	return snprintf(buf, size,
			"with probes %s is %.3f of that without [%.3f .. %.3f, %u pairs]%s",
			names[kind], p->median, p->min, p->max, p->n, verdict(p));
}

/* "0.910 [0.900 .. 0.930]" */
static void put_ratio(char *buf, size_t size, const struct perturbation *p)
{
	if (p->n == 1)
		snprintf(buf, size, "%.3f", p->median);
	else
		snprintf(buf, size, "%.3f [%.3f .. %.3f]", p->median, p->min, p->max);
}

int perturb_watched_text(const struct cell_sum *cell, char *buf, size_t size)
{
	struct perturbation p = compare_pairs(cell, FIGURE_THROUGHPUT, watched_part);
	char ratio[100];

	buf[0] = '\0';
	if (!any_partly(cell))
		return 0;
	if (!p.n)
		return snprintf(buf, size,
				"these are of whole windows: how slow the watched part was, of "
				"which the rest tells, is not known");
	put_ratio(ratio, sizeof(ratio), &p);
	return snprintf(buf, size,
			"these are of whole windows: in the watched part, of which the rest "
			"tells, throughput is %s of that without",
			ratio);
}
