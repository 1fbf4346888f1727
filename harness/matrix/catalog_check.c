// SPDX-License-Identifier: MIT
/*
 * Mistakes that a plugin's author can make in a table and the compiler does not see. Asked by a
 * unit test over the real registries, so that the parser may take the rows as sound.
 */
#include "harness/matrix/catalog.h"

#include <errno.h>
#include <string.h>

#include "harness/matrix/matrix.h"
#include "harness/util/cleanup.h"

/* Where a row's value must not reach beyond. */
static size_t value_size(const struct param *row)
{
	switch (row->type) {
	case PARAM_BOOL:
		return sizeof(bool);
	case PARAM_ENUM:
		return sizeof(int);
	case PARAM_STRING:
		return PARAM_STRING_MAX;
	default:
		return sizeof(uint64_t);
	}
}

static bool good_text(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len && text[len - 1] != '.' && !strchr(text, '\n');
}

static int check_row(const char *owner, const struct param *row, size_t config_size,
		     struct err *err)
{
	if (!good_text(row->help))
		return err_set(err, -EINVAL, "%s: %s: one line of help without a full stop, please",
			       owner, row->name);
	if (row->offset + value_size(row) > config_size)
		return err_set(err, -EINVAL, "%s: %s lies outside of the config", owner, row->name);
	if (row->type == PARAM_ENUM && (!row->choices || !row->choices[0]))
		return err_set(err, -EINVAL, "%s: %s has no choices", owner, row->name);
	if (!row->def)
		return row->type == PARAM_STRING
			       ? 0
			       : err_set(err, -EINVAL, "%s: %s has no default", owner, row->name);
	if (param_check_text(row, row->def, err) < 0)
		return err_wrap(err, -EINVAL, "%s: default of %s", owner, row->name);
	return 0;
}

static int check_rows(const char *owner, const struct param *rows, size_t config_size,
		      const struct param *others, struct err *err)
{
	for (const struct param *row = rows; row && row->name; row++) {
		int rc = check_row(owner, row, config_size, err);

		if (rc)
			return rc;
		if (param_find(rows, row->name) != row)
			return err_set(err, -EINVAL, "%s: two knobs are named %s", owner,
				       row->name);
		if (param_find(axis_params, row->name) || param_find(others, row->name))
			return err_set(err, -EINVAL,
				       "%s: %s is also an axis or a knob of the workload", owner,
				       row->name);
	}
	return 0;
}

static int check_metrics(const char *owner, const struct metric *rows, struct err *err)
{
	for (; rows && rows->name; rows++)
		if (!good_text(rows->help) || !rows->unit)
			return err_set(err, -EINVAL, "%s: metric %s lacks a help text or a unit",
				       owner, rows->name);
	return 0;
}

static int check_workload(const struct registry *reg, const struct workload_ops *w, struct err *err)
{
	int rc = check_rows(w->name, w->params, w->config_size, NULL, err);

	if (!rc)
		rc = check_metrics(w->name, w->metrics, err);
	if (rc)
		return rc;
	if (!good_text(w->help) || !w->op_name)
		return err_set(err, -EINVAL, "%s: help or op_name is missing", w->name);
	if (registry_workload(reg, w->name) != w)
		return err_set(err, -EINVAL, "two workloads are named %s", w->name);
	if (w->payload_default < w->payload_min || w->payload_default > w->payload_max)
		return err_set(err, -EINVAL, "%s: the default payload is out of its range",
			       w->name);
	return 0;
}

static int check_target(const struct registry *reg, const struct target_ops *t, struct err *err)
{
	const struct workload_ops *w = registry_workload(reg, t->workload);
	int rc;

	if (!w)
		return err_set(err, -EINVAL, "%s/%s: there is no such workload", t->workload,
			       t->name);
	rc = check_rows(t->name, t->params, t->config_size, w->params, err);
	if (!rc)
		rc = check_metrics(t->name, t->metrics, err);
	if (rc)
		return err_wrap(err, rc, "%s", t->workload);
	if (!good_text(t->help))
		return err_set(err, -EINVAL, "%s/%s: help is missing", t->workload, t->name);
	if (registry_target(reg, t->workload, t->name) != t)
		return err_set(err, -EINVAL, "two targets are named %s/%s", t->workload, t->name);
	return 0;
}

static int check_probes(const struct prober_ops *ops, struct err *err)
{
	int rc = check_rows("probes", ops->params, ops->config_size, NULL, err);

	for (size_t i = 0; !rc && ops->probes[i].name; i++) {
		const struct probe_info *p = &ops->probes[i];
		unsigned set = 0;

		if (i >= 8 * sizeof(set))
			return err_set(err, -EINVAL, "more probes than a set has bits");
		if (!good_text(p->help))
			return err_set(err, -EINVAL, "probe %s: help is missing", p->name);
		rc = probe_set_add(ops, p->name, &set, err);
		if (!rc && !(set & 1u << i))
			return err_set(err, -EINVAL, "two probes are named %s", p->name);
		if (!rc && p->needs)
			rc = probe_set_add(ops, p->needs, &set, err);
	}
	return rc;
}

int catalog_check(const struct registry *reg, struct err *err)
{
	int rc = check_metrics("common", common_metrics, err);

	for (size_t i = 0; !rc && reg->workloads[i]; i++)
		rc = check_workload(reg, reg->workloads[i], err);
	for (size_t i = 0; !rc && reg->targets[i]; i++)
		rc = check_target(reg, reg->targets[i], err);
	return rc || !reg->prober ? rc : check_probes(reg->prober, err);
}
