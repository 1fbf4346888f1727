// SPDX-License-Identifier: MIT
/*
 * From a file to cells, in passes that each see the whole file, so that all mistakes are told at
 * once: the text (json_check), the keys and values one by one (here and in matrix_entry.c), the
 * size of the product by arithmetic, and only then the cells (matrix_expand.c).
 */
#include "harness/matrix/matrix.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/matrix/hint.h"
#include "harness/matrix/matrix_entry.h"
#include "harness/matrix/matrix_gate.h"
#include "harness/matrix/matrix_probes.h"
#include "harness/util/cleanup.h"
#include "harness/util/fnv.h"
#include "harness/util/units.h"

const char *const matrix_order_names[] = {
	[ORDER_INTERLEAVED] = "interleaved", [ORDER_SEQUENTIAL] = "sequential", NULL};

const struct param matrix_params[] = {
	{.name = "name",
	 .type = PARAM_STRING,
	 .offset = offsetof(struct matrix, name),
	 .help = "what reports and the results folder are called; the file's name unless given"},
	{.name = "seed",
	 .type = PARAM_INT,
	 .offset = offsetof(struct matrix, seed),
	 .def = "1",
	 .help = "shuffles the rounds and seeds every run"},
	{.name = "repeats",
	 .type = PARAM_INT,
	 .offset = offsetof(struct matrix, repeats),
	 .def = "3",
	 .min = 1,
	 .max = MATRIX_RUNS_MAX,
	 .unit = "runs",
	 .help = "runs of each cell"},
	{.name = "warmup",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct matrix, warmup_ns),
	 .def = "200ms",
	 .max = 3600000000000,
	 .help = "load before the window, not measured"},
	{.name = "duration",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct matrix, duration_ns),
	 .def = "1s",
	 .min = 1000000,
	 .max = 86400000000000,
	 .help = "the measured window"},
	{.name = "deadline",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct matrix, deadline_ns),
	 .def = "0",
	 .max = 2 * 86400000000000,
	 .help = "a run that takes longer is stalled; 0 = warm-up + duration + 10 s"},
	{.name = "order",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct matrix, order),
	 .def = "interleaved",
	 .choices = matrix_order_names,
	 .help = "shuffled rounds over all cells, or cell by cell"},
	PARAM_END,
};

/* "$schema" tells an editor what to check with; it is read and left at that. */
static const char *const top_words[] = {"cells", "probes", "probe_knobs", "gate", "$schema", NULL};
static const struct param *const top_tables[] = {matrix_params, NULL};

static const char *top_hint(const struct entry *e, const struct nearest *n, char *buf)
{
	(void)e;
	return hint_top(n, buf);
}

static const struct keys top_keys = {top_words, top_tables, top_hint};

static void note_fault(void *arg, size_t offset, const char *path, const char *text)
{
	diag_error_at(arg, offset, path, text);
}

/* Everything about the file as a text. A tree comes back also when there were faults in values. */
static cJSON *parse(const char *text, size_t len, struct diag *diag)
{
	int rc = json_check(text, len, note_fault, diag);
	cJSON *root;

	if (rc == -EILSEQ)
		return NULL;
	root = rc == -ENOMEM ? NULL : cJSON_ParseWithLength(text, len);
	if (!root)
		diag_error(diag, NULL, "out of memory");
	return root;
}

static bool name_may_hold(char c)
{
	return c != '/' && !iscntrl((unsigned char)c);
}

/* The name becomes a folder below results/, and stays in it. */
static void check_name(const struct matrix *m, struct diag *diag)
{
	char shown[JSON_SHOW_MAX];
	bool good = m->name[0] && m->name[0] != '.' && strlen(m->name) <= MATRIX_NAME_MAX;

	for (const char *c = m->name; good && *c; c++)
		good = name_may_hold(*c);
	if (!good)
		diag_error(diag, "name",
			   "%s cannot name a folder: 1 to %d bytes, no \"/\", no control "
			   "characters, no \".\" in front",
			   json_quote(m->name, shown), MATRIX_NAME_MAX);
}

static void default_name(struct matrix *m, const char *path)
{
	char copy[PARAM_STRING_MAX];
	char *base, *end;

	snprintf(copy, sizeof(copy), "%s", strcmp(path, "-") ? path : "stdin");
	base = basename(copy);
	end = strrchr(base, '.');
	if (end && end != base && !strcmp(end, ".json"))
		*end = 0;
	base += strspn(base, ".");
	snprintf(m->name, MATRIX_NAME_MAX + 1, "%s", *base ? base : "matrix");
	for (char *c = m->name; *c; c++)
		if (!name_may_hold(*c))
			*c = '_';
}

static void read_settings(struct matrix *m, const cJSON *root, struct diag *diag)
{
	const cJSON *schema = cJSON_GetObjectItemCaseSensitive(root, "$schema");
	struct json_path path = {0};
	char shown[JSON_SHOW_MAX];
	struct err err;

	keys_check(diag, root, &path, &top_keys, NULL);
	if (schema && !cJSON_IsString(schema))
		diag_error(diag, "$schema", "found %s, expected a text", json_show(schema, shown));
	for (const struct param *row = matrix_params; row->name; row++) {
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(root, row->name);

		if (value && param_set_json(row, value, m, &err) < 0)
			diag_error(diag, row->name, "%s", err.text);
	}
	check_name(m, diag);
	if (m->deadline_ns && m->deadline_ns <= m->warmup_ns + m->duration_ns) {
		char deadline[UNITS_TEXT_MAX], sum[UNITS_TEXT_MAX];

		diag_error(diag, "deadline", "%s is not above warm-up + duration, %s",
			   units_format_time(m->deadline_ns, deadline),
			   units_format_time(m->warmup_ns + m->duration_ns, sum));
	}
}

/* Before the entries, which begin with the set that is given here. */
static int read_probes(const struct prober_ops *ops, struct matrix *m, const cJSON *root,
		       struct diag *diag)
{
	_cleanup_free_ struct json_path *path = calloc(1, sizeof(*path));
	const cJSON *probes = cJSON_GetObjectItemCaseSensitive(root, "probes");

	if (ops && ops->config_size)
		m->probe_config = calloc(1, ops->config_size);
	if (!path || (ops && ops->config_size && !m->probe_config))
		return -ENOMEM;
	if (m->probe_config && param_defaults(ops->params, m->probe_config))
		return -ENOMEM;
	json_path_key(path, "probes");
	if (probes)
		probes_read(ops, diag, probes, path, &m->probes);
	probe_knobs_read(ops, diag, cJSON_GetObjectItemCaseSensitive(root, "probe_knobs"), m);
	return 0;
}

static int read_gate(const struct registry *reg, struct matrix *m, const cJSON *root,
		     struct diag *diag)
{
	_cleanup_free_ struct json_path *path = calloc(1, sizeof(*path));
	const cJSON *gate = cJSON_GetObjectItemCaseSensitive(root, "gate");

	if (!path)
		return -ENOMEM;
	json_path_key(path, "gate");
	if (gate)
		gate_names_read(reg, NULL, NULL, diag, gate, path, &m->gate);
	return 0;
}

struct entries {
	struct entry *items;
	size_t n;
	uint64_t product; /* cells of the sound ones; UINT64_MAX: that many or more */
	uint64_t twins;	  /* as many of them as have probes: each run of those has a twin */
};

static void entries_clear(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		entry_clear(&entries->items[i]);
	free(entries->items);
}

static void begin_entry(struct json_path *path, size_t index)
{
	json_path_cut(path, 0);
	json_path_key(path, "cells");
	json_path_index(path, index);
}

static int read_entries(const struct registry *reg, const cJSON *cells, unsigned probes,
			struct json_path *path, struct diag *diag, struct entries *entries)
{
	const cJSON *json;
	int rc;

	entries->items = calloc((size_t)cJSON_GetArraySize(cells), sizeof(*entries->items));
	if (!entries->items)
		return -ENOMEM;
	cJSON_ArrayForEach (json, cells) {
		struct entry *e = &entries->items[entries->n];

		*e = (struct entry){
			.reg = reg, .diag = diag, .json = json, .path = path, .probes = probes};
		begin_entry(path, entries->n++);
		rc = entry_read(e);
		if (rc == -ENOMEM)
			return rc;
		if (__builtin_add_overflow(entries->product, e->product, &entries->product))
			entries->product = UINT64_MAX;
		if (e->probes)
			entries->twins += min_of(e->product, (uint64_t)MATRIX_RUNS_MAX + 1);
	}
	return 0;
}

/* By arithmetic, before anything is made: a small file can ask for more than memory holds. */
static void check_product(const struct entries *entries, uint64_t repeats, struct diag *diag)
{
	uint64_t runs;

	if (__builtin_add_overflow(entries->product, entries->twins, &runs) ||
	    __builtin_mul_overflow(runs, repeats, &runs))
		diag_error(diag, "cells", "more than 2^64 runs; %d are the limit", MATRIX_RUNS_MAX);
	else if (runs > MATRIX_RUNS_MAX)
		diag_error(diag, "cells",
			   "%" PRIu64 " runs (%" PRIu64 " cells x %" PRIu64
			   " repeats%s; before skip rules) are more than %d",
			   runs, entries->product, repeats,
			   entries->twins ? ", with probes twice" : "", MATRIX_RUNS_MAX);
}

static int compare_cells(const void *a, const void *b)
{
	const struct cell *x = **(struct cell * *const *)a, *y = **(struct cell * *const *)b;
	int order = strcmp(x->id, y->id);

	/* Same identity: by place in the matrix, so that the first is the one that stays. */
	return order ? order : (*(struct cell * *const *)a > *(struct cell * *const *)b ? 1 : -1);
}

static int drop_duplicates(struct matrix *m, struct diag *diag)
{
	_cleanup_free_ struct cell ***sorted = calloc(m->n_cells + 1, sizeof(*sorted));
	_cleanup_free_ char *label = NULL;
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_cells; i++)
		sorted[i] = &m->cells[i];
	qsort(sorted, m->n_cells, sizeof(*sorted), compare_cells);
	for (size_t i = m->n_cells; i-- > 1;) {
		if (strcmp((*sorted[i])->id, (*sorted[i - 1])->id))
			continue;
		if (!label)
			label = cell_label(*sorted[i]);
		cell_free(*sorted[i]);
		*sorted[i] = NULL;
		m->n_duplicate++;
	}
	for (size_t i = 0; i < m->n_cells; i++)
		if (m->cells[i])
			m->cells[n++] = m->cells[i];
	m->n_cells = n;
	if (m->n_duplicate)
		diag_note(diag, NULL, "%zu %s given before and not run again, such as %s",
			  m->n_duplicate, m->n_duplicate == 1 ? "cell was" : "cells were", label);
	return 0;
}

static int expand_entries(struct matrix *m, struct entries *entries, struct json_path *path,
			  struct diag *diag)
{
	size_t n_entries = entries->n;
	int rc;

	m->cells = calloc(entries->product + 1, sizeof(struct cell *));
	if (!m->cells)
		return -ENOMEM;
	for (size_t i = 0; i < n_entries; i++) {
		if (!entries->items[i].product)
			continue;
		begin_entry(path, i);
		rc = entry_expand(&entries->items[i], m);
		if (rc == -ENOMEM)
			return rc;
	}
	if (!diag->errors.told && !m->n_cells)
		diag_error(diag, "cells", "skip rules leave no cell");
	return drop_duplicates(m, diag);
}

static int read_cells(const struct registry *reg, struct matrix *m, const cJSON *root,
		      struct diag *diag)
{
	const cJSON *cells = cJSON_GetObjectItemCaseSensitive(root, "cells");
	_cleanup_(entries_clear) struct entries entries = {0};
	_cleanup_free_ struct json_path *path = calloc(1, sizeof(*path));
	char shown[JSON_SHOW_MAX];
	size_t errors;
	int rc;

	if (!cells)
		diag_error(diag, "", "\"cells\" is missing");
	else if (!cJSON_IsArray(cells))
		diag_error(diag, "cells", "found %s, expected a list of entries",
			   json_show(cells, shown));
	else if (!cells->child)
		diag_error(diag, "cells", "the list is empty: there is nothing to run");
	else if (cJSON_GetArraySize(cells) > MATRIX_RUNS_MAX)
		diag_error(diag, "cells", "%d entries are more than %d runs",
			   cJSON_GetArraySize(cells), MATRIX_RUNS_MAX);
	if (!cJSON_IsArray(cells) || !cells->child || cJSON_GetArraySize(cells) > MATRIX_RUNS_MAX)
		return 0;
	if (!path)
		return -ENOMEM;
	rc = read_entries(reg, cells, m->probes, path, diag, &entries);
	if (rc)
		return rc;
	errors = diag->errors.told;
	check_product(&entries, m->repeats, diag);
	return diag->errors.told == errors ? expand_entries(m, &entries, path, diag) : 0;
}

/* Over all that decides what is run, cells in their order. */
static void set_hash(const struct registry *reg, struct matrix *m)
{
	uint64_t hash = FNV_START;
	char value[PARAM_STRING_MAX];

	for (const struct param *row = matrix_params; row->name; row++) {
		if (!strcmp(row->name, "name"))
			continue;
		hash = fnv_text(hash, param_text(row, m, true, value));
		hash = fnv_text(hash, "\n");
	}
	for (size_t i = 0; i < m->n_cells; i++)
		hash = fnv_text(hash, m->cells[i]->id);
	hash = probes_hash(reg->prober, m, hash);
	snprintf(m->hash, sizeof(m->hash), "%016" PRIx64, hash);
}

static void cleanup_matrix(struct matrix **m)
{
	matrix_free(*m);
}

static int build(const struct registry *reg, const char *path, const cJSON *root, struct diag *diag,
		 struct matrix **ret)
{
	_cleanup_(cleanup_matrix) struct matrix *m = calloc(1, sizeof(*m));
	int rc = -ENOMEM;

	if (m)
		rc = param_defaults(matrix_params, m);
	if (!rc) {
		default_name(m, path);
		read_settings(m, root, diag);
		rc = read_probes(reg->prober, m, root, diag);
	}
	if (!rc)
		rc = read_gate(reg, m, root, diag);
	if (!rc)
		rc = read_cells(reg, m, root, diag);
	if (!rc && !(m->source = cJSON_Duplicate(root, true)))
		rc = -ENOMEM;
	if (rc)
		diag_error(diag, NULL, "out of memory");
	if (diag->errors.told)
		return -EINVAL;
	set_hash(reg, m);
	*ret = take_ptr(m);
	return 0;
}

int matrix_load(const struct registry *reg, const char *path, struct diag *diag,
		struct matrix **ret)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *root = NULL;
	char shown[JSON_SHOW_MAX];
	struct err err;
	int rc = -EINVAL;

	memset(diag, 0, sizeof(*diag));
	snprintf(diag->file, sizeof(diag->file), "%s", strcmp(path, "-") ? path : "stdin");
	if (json_read(path, &text, &diag->len, &err) < 0) {
		diag_error(diag, NULL, "%s", err.text);
		return -EINVAL;
	}
	diag->text = text;
	root = parse(text, diag->len, diag);
	if (root && !cJSON_IsObject(root))
		diag_error(diag, "", "found %s, expected an object", json_show(root, shown));
	else if (root)
		rc = build(reg, path, root, diag, ret);
	diag->text = NULL;
	return rc;
}

void matrix_free(struct matrix *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->cells && i < m->n_cells; i++)
		cell_free(m->cells[i]);
	free(m->cells);
	cJSON_Delete(m->gate);
	cJSON_Delete(m->source);
	free(m->probe_config);
	free(m);
}
