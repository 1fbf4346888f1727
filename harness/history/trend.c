// SPDX-License-Identifier: MIT
/*
 * Loading of series: rows of all stores are gathered first and put in order, then cut where cell,
 * machine, reference, windows or unit change. What is analysed is made in trend_basis.c.
 */
#include "harness/history/trend.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/history/db.h"
#include "harness/history/trend_basis.h"
#include "harness/util/cleanup.h"

/* One value of one session, and whose it is: a series of one point. */
struct rows {
	struct trend *items;
	size_t n, room;
};

static const char rows_sql[] =
	"SELECT c.id, c.label, c.workload, c.target, v.metric, v.unit, v.better, m.key, m.says,"
	" s.reference, s.id, s.kind, s.folder, s.started, s.revision, s.uhbench,"
	" s.remark, v.median, v.least, v.most, v.runs, y.ns, y.version, s.warmup_ns, s.duration_ns"
	" FROM value v JOIN session s ON s.id = v.session JOIN cell c ON c.id = v.cell"
	" JOIN machine m ON m.key = s.machine"
	" LEFT JOIN yardstick y ON y.session = s.id AND y.name = yardstick_of(c.workload)"
	" WHERE v.metric = coalesce(?, CASE WHEN c.rate > 0 THEN 'intended_p99'"
	" ELSE 'throughput' END)";

static void free_point(struct trend_point *p)
{
	char *texts[] = {p->session,  p->kind,	  p->folder, p->started,
			 p->revision, p->uhbench, p->remark};

	for (size_t i = 0; i < array_size(texts); i++)
		free(texts[i]);
}

static void free_names(struct trend *t)
{
	char *texts[] = {t->cell, t->label,  t->workload, t->target,	   t->metric,
			 t->unit, t->better, t->machine,  t->machine_says, t->reference};

	for (size_t i = 0; i < array_size(texts); i++)
		free(texts[i]);
}

static void free_trend(struct trend *t)
{
	free_names(t);
	for (size_t i = 0; i < t->n; i++)
		free_point(&t->points[i]);
	free(t->points);
	rankscan_free(&t->scan);
}

void trends_free(struct trends *t)
{
	for (size_t i = 0; i < t->n; i++)
		free_trend(&t->items[i]);
	free(take_ptr(t->items));
	t->n = 0;
}

static void free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		free_trend(&rows->items[i]);
	free(rows->items);
}

/* Copies of the texts of a row, in the order of `into`. */
static int copy_texts(sqlite3_stmt *rows, int column, char **const *into, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*into[i] = strdup(db_text(rows, column + (int)i));
		if (!*into[i])
			return -ENOMEM;
	}
	return 0;
}

static int fill_row(struct trend *t, sqlite3_stmt *rows)
{
	struct trend_point *p = calloc(1, sizeof(*p));
	char **const names[] = {&t->cell,	  &t->label,	&t->workload, &t->target,
				&t->metric,	  &t->unit,	&t->better,   &t->machine,
				&t->machine_says, &t->reference};
	int r;

	if (!p)
		return -ENOMEM;
	t->points = p;
	t->n = 1;
	r = copy_texts(rows, 0, names, array_size(names));
	if (!r)
		r = copy_texts(rows, array_size(names),
			       (char **const[]){&p->session, &p->kind, &p->folder, &p->started,
						&p->revision, &p->uhbench, &p->remark},
			       7);
	p->measured = db_number(rows, 17);
	p->least = db_number(rows, 18);
	p->most = db_number(rows, 19);
	p->runs = (unsigned)db_number(rows, 20);
	p->yardstick_ns = db_number(rows, 21);
	p->yardstick_version = isnan(p->yardstick_ns) ? 0 : (int)db_number(rows, 22);
	t->warmup_ns = db_number(rows, 23);
	t->duration_ns = db_number(rows, 24);
	return r;
}

static int add_row(struct rows *all, sqlite3_stmt *rows)
{
	if (all->n == all->room) {
		size_t room = all->room ? 2 * all->room : 256;
		struct trend *items = realloc(all->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		all->items = items;
		all->room = room;
	}
	all->items[all->n] = (struct trend){.change = NAN};
	return fill_row(&all->items[all->n++], rows);
}

static bool cell_matches(const char *glob, sqlite3_stmt *rows)
{
	const char *id = db_text(rows, 0), *label = db_text(rows, 1);
	char name[256];

	if (!glob)
		return true;
	snprintf(name, sizeof(name), "%s/%s", db_text(rows, 2), db_text(rows, 3));
	return !strcmp(glob, label) || !fnmatch(glob, name, 0) || !fnmatch(glob, id, 0) ||
	       !fnmatch(glob, label, 0);
}

/* SQL: yardstick_of(workload) */
static void yardstick_of(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct registry *reg = sqlite3_user_data(context);
	const char *name = (const char *)sqlite3_value_text(argv[0]);

	(void)argc;
	sqlite3_result_text(context, trend_yardstick(reg, name ? name : ""), -1, SQLITE_STATIC);
}

static int count_sessions(struct db *db, size_t *n, struct err *err)
{
	_cleanup_(db_done) sqlite3_stmt *rows = NULL;
	int r = db_ask(db, &rows, err, "SELECT count(*) FROM session", "");

	if (!r)
		r = db_next(db, rows, err);
	if (r < 0)
		return r;
	*n += (size_t)db_number(rows, 0);
	return 0;
}

static int load_store(const struct registry *reg, const char *dir,
		      const struct trend_filter *filter, struct rows *all, size_t *n_sessions,
		      struct err *err)
{
	_cleanup_(cleanup_db) struct db *db = NULL;
	_cleanup_(db_done) sqlite3_stmt *rows = NULL;
	int r = db_open(dir, DB_READ, &db, err);

	if (!r)
		r = count_sessions(db, n_sessions, err);
	if (!r)
		r = db_function(db, "yardstick_of", yardstick_of, reg, err);
	if (!r)
		r = db_ask(db, &rows, err, rows_sql, "s", filter->metric);
	if (r)
		return r;
	while ((r = db_next(db, rows, err)) > 0)
		if (cell_matches(filter->cell, rows) && add_row(all, rows))
			return err_sys(err, -ENOMEM, "%s", dir);
	return r;
}

static int compare_numbers(double a, double b)
{
	return (a > b) - (a < b);
}

/* The order of series; 0: the same one. */
static int compare_series(const struct trend *a, const struct trend *b)
{
	int r = strcmp(a->label, b->label);

	r = r ? r : strcmp(a->cell, b->cell);
	r = r ? r : strcmp(a->machine, b->machine);
	r = r ? r : strcmp(a->reference, b->reference);
	r = r ? r : compare_numbers(a->duration_ns, b->duration_ns);
	r = r ? r : compare_numbers(a->warmup_ns, b->warmup_ns);
	return r ? r : strcmp(a->unit, b->unit);
}

static int compare_rows(const void *a, const void *b)
{
	const struct trend *x = a, *y = b;
	int r = compare_series(x, y);

	r = r ? r : strcmp(x->points->started, y->points->started);
	return r ? r : strcmp(x->points->session, y->points->session);
}

/* How many rows from `rows` on are of one series. */
static size_t series_length(const struct trend *rows, size_t n)
{
	size_t i = 1;

	while (i < n && !compare_series(&rows[0], &rows[i]))
		i++;
	return i;
}

/* Takes the points of `n` rows of one series, the newest of them if there are too many; the rows
 * are empty afterwards. */
static int join_rows(struct trend *rows, size_t n, struct trend *ret)
{
	struct trend_point *points = calloc(min_of(n, (size_t)RANKSCAN_MAX), sizeof(*points));
	size_t older = n > RANKSCAN_MAX ? n - RANKSCAN_MAX : 0;

	if (!points)
		return -ENOMEM;
	*ret = rows[0];
	ret->points = points;
	ret->n = 0;
	ret->n_older = older;
	for (size_t i = 0; i < n; i++) {
		struct trend_point *p = rows[i].points;
		bool again = ret->n && !strcmp(points[ret->n - 1].session, p->session);

		if (i < older || again)
			free_point(p);
		else
			points[ret->n++] = *p;
		free(p);
		if (i)
			free_names(&rows[i]);
		rows[i] = (struct trend){0};
	}
	return 0;
}

static int cut_series(struct rows *rows, const struct registry *reg, struct trends *ret)
{
	size_t i = 0, length;
	int r = 0;

	qsort(rows->items, rows->n, sizeof(*rows->items), compare_rows);
	ret->items = calloc(rows->n, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (; !r && i < rows->n; i += length) {
		length = series_length(rows->items + i, rows->n - i);
		r = join_rows(rows->items + i, length, &ret->items[ret->n]);
		if (!r)
			r = trend_analyse(&ret->items[ret->n++], reg);
	}
	return r;
}

/* Nothing got through: which of the two was it? */
static int nothing(const char *dir, size_t n_sessions, const struct trend_filter *filter,
		   struct err *err)
{
	if (!n_sessions)
		return err_set(err, -ENOENT, "%s/" DB_FILE " has no sessions", dir);
	if (filter->metric && filter->cell)
		return err_set(err, -ENOENT, "no session has the metric %s of a cell like %s",
			       filter->metric, filter->cell);
	if (filter->metric)
		return err_set(
			err, -ENOENT,
			"no session has the metric %s; `uhbench list metrics` shows them all",
			filter->metric);
	if (filter->cell)
		return err_set(err, -ENOENT, "no session has a cell like %s", filter->cell);
	return err_set(err, -ENOENT, "no session has a figure that is known");
}

int trends_load(const struct registry *reg, const char *const *dirs, size_t n_dirs,
		const struct trend_filter *filter, struct trends *ret, struct err *err)
{
	_cleanup_(free_rows) struct rows rows = {0};
	struct trends out = {0};
	int r = 0;

	for (size_t i = 0; !r && i < n_dirs; i++)
		r = load_store(reg, dirs[i], filter, &rows, &out.n_sessions, err);
	if (r)
		return r;
	if (!rows.n)
		return nothing(dirs[0], out.n_sessions, filter, err);
	r = cut_series(&rows, reg, &out);
	if (r) {
		trends_free(&out);
		return err_sys(err, r, "history");
	}
	*ret = out;
	return 0;
}
