// SPDX-License-Identifier: MIT
/* What a field is called and which value goes without saying, in the words of cell_label(). */
#include "reports/naming.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/registry.h"
#include "harness/util/units.h"

struct plugins {
	const struct workload_ops *workload;
	const struct target_ops *target;
};

/* Fills shown and plain. The value goes through the row's own code, as a config of one number. */
static int name_field(struct summary *s, struct field *f, const struct param *row)
{
	bool number =
		row->type != PARAM_BOOL && row->type != PARAM_ENUM && row->type != PARAM_STRING;
	struct param alone = *row;
	char buf[PARAM_STRING_MAX];
	uint64_t value;

	f->known = true;
	if (!number) {
		f->plain = !strcmp(f->text, row->def ? row->def : "");
		return 0;
	}
	if (!(f->number >= 0 && f->number < UNITS_MAX) || f->number != floor(f->number))
		return 0;
	alone.offset = 0;
	value = (uint64_t)f->number;
	f->plain = row->def && param_is_default(&alone, &value);
	f->shown = intern_text(&s->texts, param_text(&alone, &value, false, buf));
	return f->shown ? 0 : -ENOMEM;
}

static int name_axis(struct summary *s, struct field *f, const struct plugins *p)
{
	const struct param *row = param_find(axis_params, f->name);
	int err;

	if (!strncmp(f->name, "cpus.", 5)) {
		f->known = true;
		f->plain = !*f->text;
		return 0;
	}
	if (!row)
		return 0;
	err = name_field(s, f, row);
	if (!strcmp(f->name, "depth")) /* people look for it even where it follows from the batch */
		f->plain = f->number == 1;
	if (!strcmp(f->name, "payload")) {
		f->known = p->workload;
		f->plain = p->workload && f->number == (double)p->workload->payload_default;
	}
	return err;
}

static int name_knob(struct summary *s, struct field *f, const struct plugins *p)
{
	const struct param *row = p->workload ? param_find(p->workload->params, f->name) : NULL;

	if (!row && p->target)
		row = param_find(p->target->params, f->name);
	return row ? name_field(s, f, row) : 0;
}

int naming_fill(struct summary *s, const struct registry *reg)
{
	for (size_t i = 0; i < s->n_cells; i++) {
		struct cell_sum *cell = s->cells[i];
		struct plugins p = {0};

		if (reg) {
			p.workload = registry_workload(reg, cell->workload);
			p.target = registry_target(reg, cell->workload, cell->target);
		}
		for (unsigned k = 0; k < cell->n_fields; k++) {
			struct field *f = &cell->fields[k];
			int err = f->knob ? name_knob(s, f, &p) : name_axis(s, f, &p);

			if (err)
				return err;
		}
	}
	return 0;
}
