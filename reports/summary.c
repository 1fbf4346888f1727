// SPDX-License-Identifier: MIT
/*
 * The one pass over a session that the table, the JSON document and the HTML page share. Cells come
 * from the manifest, so that they stand in matrix order and one that never ran is seen to be
 * missing.
 */
#include "reports/summary.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "reports/cellsum.h"
#include "reports/detail.h"
#include "reports/foreign.h"
#include "reports/get.h"
#include "reports/probes_fold.h"
#include "reports/probes_notes.h"

#define STALLS_KEPT 20 /* stacks are long, and one look at a few of them tells the story */

struct loader {
	struct summary *s;
	struct err *err;
	bool with_hists;
	unsigned stalls;
};

static int add_cell(struct summary *s, const cJSON *object, struct cell_sum **ret)
{
	struct cell_sum **cells = array_room(s->cells, s->n_cells, sizeof(*cells));
	struct intern_entry *entry;
	int err;

	if (!cells)
		return -ENOMEM;
	s->cells = cells;
	err = cellsum_new(&s->texts, object, &cells[s->n_cells]);
	if (err)
		return err;
	*ret = cells[s->n_cells++];
	(*ret)->position = (unsigned)s->n_cells - 1;
	entry = intern_entry(&s->keys, (*ret)->id);
	if (!entry)
		return -ENOMEM;
	entry->data = *ret;
	return 0;
}

static int find_cell(struct summary *s, const cJSON *object, struct cell_sum **ret)
{
	struct intern_entry *entry = intern_entry(&s->keys, get_text(object, "id"));

	if (!entry)
		return -ENOMEM;
	if (!entry->data)
		return add_cell(s, object, ret);
	*ret = entry->data;
	return 0;
}

/* Finds what is kept under a composed key, or says where the next one goes. Keys of problems and
 * notes begin with a letter and a blank, which no cell id holds. */
static struct intern_entry *find_key(struct summary *s, char kind, const char *id, const char *text)
{
	_cleanup_free_ char *key = NULL;

	if (asprintf(&key, "%c %s %s", kind, id, text) < 0)
		return NULL;
	return intern_entry(&s->keys, key);
}

/* The text with every number replaced by #. */
static char *without_numbers(const char *text)
{
	char *form = malloc(strlen(text) + 1);
	size_t n = 0;

	if (!form)
		return NULL;
	while (*text) {
		size_t digits = strspn(text, "0123456789.");

		if (digits && *text != '.') {
			form[n++] = '#';
			text += digits;
		} else {
			form[n++] = *text++;
		}
	}
	form[n] = '\0';
	return form;
}

/* Of two texts that differ in numbers only: is the first number that differs larger in a? */
static bool larger(const char *a, const char *b)
{
	while (*a && *b) {
		char *end_a, *end_b;
		double x, y;

		if (*a < '0' || *a > '9' || *b < '0' || *b > '9') {
			a++;
			b++;
			continue;
		}
		x = strtod(a, &end_a);
		y = strtod(b, &end_b);
		if (x != y)
			return x > y;
		a = end_a;
		b = end_b;
	}
	return false;
}

static int keep_worst(const char *first, char **worst, const char *text)
{
	char *copy;

	if (!larger(text, *worst ? *worst : first))
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*worst);
	*worst = copy;
	return 0;
}

static int add_note(struct summary *s, const struct cell_sum *cell, const char *text)
{
	_cleanup_free_ char *form = without_numbers(text);
	struct intern_entry *entry = form ? find_key(s, 'n', "", form) : NULL;
	struct note *notes;

	if (!entry)
		return -ENOMEM;
	if (entry->data) {
		notes = &s->notes[(uintptr_t)entry->data - 1];
		notes->count++;
		return keep_worst(notes->text, &notes->worst, text);
	}
	notes = array_room(s->notes, s->n_notes, sizeof(*notes));
	if (!notes)
		return -ENOMEM;
	s->notes = notes;
	notes[s->n_notes] = (struct note){.text = strdup(text), .count = 1, .cell = cell};
	if (!notes[s->n_notes].text)
		return -ENOMEM;
	entry->data = (void *)(uintptr_t)++s->n_notes;
	return 0;
}

static bool is_probed(const cJSON *record)
{
	return cJSON_IsTrue(get(record, "probed"));
}

static int new_problem(struct loader *l, const struct cell_sum *cell, enum status status,
		       cJSON *record)
{
	struct summary *s = l->s;
	struct problem *problems = array_room(s->problems, s->n_problems, sizeof(*problems));
	struct problem *p;

	if (!problems)
		return -ENOMEM;
	s->problems = problems;
	p = &problems[s->n_problems];
	*p = (struct problem){
		.cell = cell, .status = status, .probed = is_probed(record), .count = 1};
	p->reason = strdup(get_text(record, "reason"));
	if (!p->reason)
		return -ENOMEM;
	p->first_repeat = (unsigned)fmax(get_number(record, "repeat"), 0);
	if (status == STATUS_STALLED && l->stalls++ < STALLS_KEPT)
		p->stall = cJSON_DetachItemFromObjectCaseSensitive(record, "stall");
	s->n_problems++;
	return 0;
}

static int add_problem(struct loader *l, const struct cell_sum *cell, enum status status,
		       cJSON *record)
{
	char kind = (char)((is_probed(record) ? 'A' : '0') + (int)status);
	const char *reason = get_text(record, "reason");
	_cleanup_free_ char *form = without_numbers(reason);
	struct intern_entry *entry = form ? find_key(l->s, kind, cell->id, form) : NULL;
	struct problem *p;
	int err;

	if (!entry)
		return -ENOMEM;
	if (entry->data) {
		p = &l->s->problems[(uintptr_t)entry->data - 1];
		p->count++;
		return keep_worst(p->reason, &p->worst, reason);
	}
	err = new_problem(l, cell, status, record);
	if (!err)
		entry->data = (void *)(uintptr_t)l->s->n_problems;
	return err;
}

static int find_status(const cJSON *record)
{
	const char *text = get_text(record, "status");

	for (int i = 0; i < STATUS_COUNT; i++)
		if (!strcmp(text, status_names[i]))
			return i;
	return -EBADMSG;
}

struct note_place {
	struct summary *s;
	const struct cell_sum *cell;
};

static int add_probe_note(void *arg, const char *text)
{
	const struct note_place *at = arg;

	return add_note(at->s, at->cell, text);
}

/* A run with probes is slower by what they cost: its figures stand apart. */
static int add_probed(struct loader *l, struct cell_sum *cell, const cJSON *record)
{
	int err = cellsum_add_metrics(cell->probed, &l->s->texts, get_object(record, "metrics"));

	err = err ? err : cellsum_add_figures(cell->probed, record);
	err = err ? err
		  : probes_notes(get_object(record, "probes"), add_probe_note,
				 &(struct note_place){l->s, cell});
	return err ? err : cellsum_add_probes(cell->probed, record);
}

static int add_ok(struct loader *l, struct cell_sum *cell, const cJSON *record)
{
	int err;

	if (is_probed(record))
		return add_probed(l, cell, record);
	err = cellsum_add_metrics(cell, &l->s->texts, get_object(record, "metrics"));
	err = err ? err : cellsum_add_figures(cell, record);
	err = err ? err : detail_fold(&cell->detail, record);
	if (err)
		return err;
	cellsum_add_warnings(cell, record);
	if (!l->with_hists)
		return 0;
	err = cellsum_add_hists(cell, &l->s->texts, get_object(record, "histograms"));
	if (err == -EBADMSG)
		err_set(l->err, err, "runs.jsonl: record %u: a histogram bucket is out of range",
			l->s->n_runs);
	return err;
}

/* Others that sit on the same hooks slow runs with and without probes, and are in no figure. Where
 * nothing is probed nobody looks for them. */
static int note_foreign(struct summary *s, const struct cell_sum *cell, const cJSON *record)
{
	const cJSON *host = get_object(record, "host");
	const char *why = get_text(host, "reason_foreign_bpf");
	char text[ERR_MAX + 300];

	if (foreign_text(get(host, "foreign_bpf"), text, sizeof(text)))
		return add_note(s, cell, text);
	if (!is_probed(record) || !*why)
		return 0;
	snprintf(text, sizeof(text),
		 "BPF programs of others on hooks that the probes use: not known: %s", why);
	return add_note(s, cell, text);
}

static int add_record(void *arg, cJSON *record)
{
	struct loader *l = arg;
	struct summary *s = l->s;
	int err, status = find_status(record);
	struct cell_sum *cell, *part;
	const cJSON *note;

	s->n_runs++;
	if (status < 0)
		return err_set(l->err, status, "runs.jsonl: record %u: unknown status \"%s\"",
			       s->n_runs, get_text(record, "status"));
	err = find_cell(s, get(record, "cell"), &cell);
	if (err)
		return err;
	part = is_probed(record) ? cellsum_probed(cell) : cell;
	if (!part)
		return -ENOMEM;
	part->runs[status]++;
	s->runs[status]++;
	if (get_number(record, "duration") > 0)
		s->duration += get_number(record, "duration");
	cJSON_ArrayForEach (note, get(record, "notes")) {
		if (!err && cJSON_IsString(note))
			err = add_note(s, cell, note->valuestring);
	}
	err = err ? err : note_foreign(s, cell, record);
	if (err)
		return err;
	return status == STATUS_OK ? add_ok(l, cell, record)
				   : add_problem(l, cell, (enum status)status, record);
}

/* `run --only` leaves cells out; they are in the manifest, but nobody misses their runs. */
static void drop_unplanned(struct summary *s)
{
	size_t kept = 0;

	if (s->n_runs < s->expected)
		return;
	for (size_t i = 0; i < s->n_cells; i++) {
		if (cell_total(s->cells[i]) || s->cells[i]->probed)
			s->cells[kept++] = s->cells[i];
		else
			cellsum_free(s->cells[i]);
	}
	s->n_cells = kept;
}

static int load(const char *dir, struct loader *l)
{
	struct summary *s = l->s;
	struct cell_sum *cell;
	const cJSON *item;
	int err = store_manifest(dir, &s->manifest, l->err);

	if (err)
		return err;
	cJSON_ArrayForEach (item, get(s->manifest, "cells")) {
		err = find_cell(s, item, &cell);
		if (err)
			return err;
	}
	if (get_number(s->manifest, "runs") > 0)
		s->expected = (unsigned)get_number(s->manifest, "runs");
	err = store_each(dir, add_record, l, &s->torn, l->err);
	if (!err)
		drop_unplanned(s);
	for (size_t i = 0; !err && i < s->n_cells; i++)
		err = cellsum_finish(s->cells[i]);
	return err;
}

int summary_load(const char *dir, bool with_hists, struct summary **ret, struct err *err)
{
	_cleanup_(cleanup_summary) struct summary *s = calloc(1, sizeof(*s));
	struct loader l = {.s = s, .err = err, .with_hists = with_hists};
	int code;

	if (!s)
		return err_sys(err, -ENOMEM, "%s", dir);
	code = load(dir, &l);
	if (code == -ENOMEM)
		return err_sys(err, code, "%s", dir);
	if (code)
		return code;
	*ret = take_ptr(s);
	return 0;
}

static int add_whole(void *arg, cJSON *record)
{
	struct summary *s = arg;
	struct cell_sum *cell;
	int err;

	if (!is_probed(record) || find_status(record) != STATUS_OK)
		return 0;
	err = find_cell(s, get(record, "cell"), &cell);
	if (err || !cell->probed || !cell->probed->probes || !cell->probed->probes->whole)
		return err;
	return probes_fold_record(cell->probed->probes, record, true);
}

int summary_load_whole(struct summary *s, const char *dir, struct err *err)
{
	bool any = false;
	int code;

	for (size_t i = 0; i < s->n_cells; i++) {
		struct probes_sum *sum = s->cells[i]->probed ? s->cells[i]->probed->probes : NULL;

		if (!sum || !sum->whole)
			continue;
		probes_sum_free(sum);
		any = true;
	}
	code = any ? store_each(dir, add_whole, s, NULL, err) : 0;
	return code == -ENOMEM ? err_sys(err, code, "%s", dir) : code;
}

void summary_free(struct summary *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_cells; i++)
		cellsum_free(s->cells[i]);
	for (size_t i = 0; i < s->n_problems; i++) {
		free(s->problems[i].reason);
		free(s->problems[i].worst);
		cJSON_Delete(s->problems[i].stall);
	}
	for (size_t i = 0; i < s->n_notes; i++) {
		free(s->notes[i].text);
		free(s->notes[i].worst);
	}
	free(s->cells);
	free(s->problems);
	free(s->notes);
	intern_free(&s->texts);
	intern_free(&s->keys);
	cJSON_Delete(s->manifest);
	free(s);
}
