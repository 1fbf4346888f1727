// SPDX-License-Identifier: MIT
/* Which histograms of probes are drawn: the busiest roles' waits, then each opcode's ways. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/cellsum.h"
#include "reports/get.h"
#include "reports/pictures.h"
#include "reports/probes_html.h"

#define LEAST_WAITS 30 /* fewer make no distribution */

/* Histograms read like those of a record: one object with one histogram at a time. */
static unsigned draw(struct plot *p, const cJSON *hist, unsigned series)
{
	struct cell_sum *cell = calloc(1, sizeof(*cell));
	struct intern texts = {0};
	cJSON *one = cJSON_CreateObject();
	unsigned number = 0;

	if (cell && one && cJSON_AddItemReferenceToObject(one, "h", (cJSON *)hist) &&
	    !cellsum_add_hists(cell, &texts, one) && cell->n_hists && cell->hists[0].n)
		number = curves_histogram(p, &cell->hists[0], series);
	cellsum_free(cell);
	intern_free(&texts);
	cJSON_Delete(one);
	return number;
}

static void add(struct plot *p, struct probe_pictures *pics, const char *of, const char *what,
		const cJSON *hist, unsigned series)
{
	struct probe_picture *picture = &pics->list[pics->n];

	if (pics->n == PROBE_PICTURES_MAX || !(get_number(hist, "count") >= LEAST_WAITS))
		return;
	picture->number = draw(p, hist, series);
	if (!picture->number)
		return;
	snprintf(picture->title, sizeof(picture->title), "%.40s: %s", of, what);
	pics->n++;
}

void probes_plan(struct plot *p, const struct probes_view *v, struct probe_pictures *ret)
{
	const bool sliced = *get_text(view_probe(v, "cqe"), "reason_timing") != 0;
	const cJSON *item;

	*ret = (struct probe_pictures){.plot = p};
	cJSON_ArrayForEach (item, get_object(view_probe(v, "sched"), "histograms")) {
		if (ret->n + 2 > PROBE_PICTURES_MAX / 2)
			break;
		add(p, ret, item->string, "off-CPU time of a wait", get(item, "off_cpu"), 3);
		add(p, ret, item->string, "wait for the CPU", get(item, "run_queue"), 4);
	}
	cJSON_ArrayForEach (item, get_object(view_probe(v, "lock"), "histograms")) {
		if (ret->n + 2 > PROBE_PICTURES_MAX - 4) /* of a ring, at least */
			break;
		add(p, ret, item->string, "wait for a kernel lock", get(item, "kernel"), 0);
		add(p, ret, item->string, "sleep on a futex", get(item, "futex"), 1);
	}
	cJSON_ArrayForEach (item, get_object(view_probe(v, "cqe"), "histograms")) {
		add(p, ret, item->string,
		    sliced ? "submission to completion (in slices: slowed down)"
			   : "submission to completion",
		    get(item, "complete"), 5);
		add(p, ret, item->string,
		    sliced ? "completion to reaping, at most (in slices: slowed down)"
			   : "completion to reaping, at most",
		    get(item, "reap"), 2);
	}
}
