// SPDX-License-Identifier: MIT
/*
 * Most wrong words are right ones in the wrong place: a knob beside "with", a setting of the matrix
 * in an entry, a knob or target of somebody else. That is looked for first, by the exact word; only
 * then is the nearest one a guess worth making.
 */
#include "harness/matrix/hint.h"

#include <stdio.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/matrix/matrix.h"
#include "harness/matrix/matrix_entry.h"
#include "harness/util/cleanup.h"
#include "harness/util/nearest.h"

static const char *say(char buf[static HINT_MAX], const char *text)
{
	snprintf(buf, HINT_MAX, "%s", text);
	return buf;
}

static const char *say_nearest(const struct nearest *n, char buf[static HINT_MAX])
{
	char hint[NEAREST_HINT_MAX];

	return say(buf, nearest_hint(n, hint));
}

static bool is_word(const char *const *words, const char *key)
{
	while (*words && strcmp(*words, key))
		words++;
	return *words;
}

const char *hint_top(const struct nearest *n, char buf[static HINT_MAX])
{
	if (param_find(axis_params, n->word) || is_word(matrix_entry_words, n->word))
		return say(buf, "; it belongs in an entry of \"cells\"");
	return say_nearest(n, buf);
}

static bool is_knob_of(const struct registry *reg, const struct workload_ops *w, const char *key)
{
	if (param_find(w->params, key))
		return true;
	for (size_t i = 0; reg->targets[i]; i++)
		if (!strcmp(reg->targets[i]->workload, w->name) &&
		    param_find(reg->targets[i]->params, key))
			return true;
	return false;
}

const char *hint_entry(const struct registry *reg, const struct workload_ops *workload,
		       const struct nearest *n, char buf[static HINT_MAX])
{
	if (workload && is_knob_of(reg, workload, n->word))
		return say(buf, "; a knob belongs in \"with\"");
	if (param_find(matrix_params, n->word) || !strcmp(n->word, "probe_knobs"))
		return say(buf, "; it belongs at the top level, beside \"cells\"");
	return say_nearest(n, buf);
}

struct owners {
	char *buf;
	size_t len;
	unsigned n;
};

static void add_owner(struct owners *o, const char *workload, const char *target)
{
	if (o->len < HINT_MAX)
		o->len += (size_t)snprintf(o->buf + o->len, HINT_MAX - o->len, "%s%s%s%s",
					   o->n ? ", " : "; ", workload, target ? "/" : "",
					   target ? target : "");
	o->n++;
}

static const char *end_owners(struct owners *o)
{
	if (o->n && o->len < HINT_MAX)
		snprintf(o->buf + o->len, HINT_MAX - o->len, o->n > 1 ? " have it" : " has it");
	return o->buf;
}

const char *hint_knob(const struct registry *reg, const struct target_ops *target, const char *knob,
		      char buf[static HINT_MAX])
{
	const struct workload_ops *workload = registry_workload(reg, target->workload);
	const struct param *rows[] = {workload->params, target->params};
	struct owners owners = {.buf = buf};
	struct nearest n = nearest_to(knob);

	if (param_find(axis_params, knob) || is_word(matrix_entry_words, knob))
		return say(buf, "; it belongs beside \"with\"");
	for (size_t i = 0; reg->targets[i]; i++)
		if (!strcmp(reg->targets[i]->workload, workload->name) &&
		    param_find(reg->targets[i]->params, knob))
			add_owner(&owners, workload->name, reg->targets[i]->name);
	for (size_t i = 0; !owners.n && reg->workloads[i]; i++)
		if (is_knob_of(reg, reg->workloads[i], knob))
			add_owner(&owners, reg->workloads[i]->name, NULL);
	if (owners.n)
		return end_owners(&owners);
	for (size_t i = 0; i < array_size(rows); i++)
		for (const struct param *row = rows[i]; row && row->name; row++)
			nearest_offer(&n, row->name);
	return say_nearest(&n, buf);
}

const char *hint_target(const struct registry *reg, const struct workload_ops *workload,
			const char *name, char buf[static HINT_MAX])
{
	struct owners owners = {.buf = buf};
	struct nearest n = nearest_to(name);
	size_t len;

	for (size_t i = 0; reg->targets[i]; i++)
		if (!strcmp(reg->targets[i]->name, name))
			add_owner(&owners, reg->targets[i]->workload, NULL);
	if (owners.n)
		return end_owners(&owners);
	for (size_t i = 0; reg->targets[i]; i++)
		if (!strcmp(reg->targets[i]->workload, workload->name))
			nearest_offer(&n, reg->targets[i]->name);
	if (n.best)
		return say_nearest(&n, buf);
	len = (size_t)snprintf(buf, HINT_MAX, "; it has");
	for (size_t i = 0; reg->targets[i] && len < HINT_MAX; i++)
		if (!strcmp(reg->targets[i]->workload, workload->name))
			len += (size_t)snprintf(buf + len, HINT_MAX - len, "%s %s",
						buf[len - 1] == 's' ? "" : ",",
						reg->targets[i]->name);
	return buf;
}
