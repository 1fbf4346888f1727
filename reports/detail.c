// SPDX-License-Identifier: MIT
/*
 * While records come in, each number of a folded table is an array of what the repeats said; finish
 * makes medians of them. Records are not trusted: a row of another length than its columns, or a
 * repeat whose columns differ from those of the first, is left out.
 */
#include "reports/detail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/order.h"
#include "reports/get.h"

#define ROWS_MAX 1024 /* looked up one by one */

bool detail_is_table(const cJSON *detail)
{
	return cJSON_IsArray(get(detail, "columns")) && cJSON_IsArray(get(detail, "rows"));
}

bool detail_is_stages(const cJSON *detail)
{
	return cJSON_IsArray(get(detail, "stages"));
}

const char *detail_title(const cJSON *detail)
{
	const char *title = get_text(detail, "title");

	return *title || !detail->string ? title : detail->string;
}

const char *detail_unit(const cJSON *detail, int column)
{
	const cJSON *c = cJSON_GetArrayItem(get(detail, "columns"), column);

	return column ? get_text(c, "unit") : "";
}

static cJSON *find_row(cJSON *rows, const cJSON *key)
{
	cJSON *row;
	int n = 0;

	cJSON_ArrayForEach (row, rows) {
		if (cJSON_Compare(row->child, key, true))
			return row;
		if (++n == ROWS_MAX)
			break;
	}
	return NULL;
}

/* The first value and texts as they are, an empty array for each number or null. */
static cJSON *new_row(const cJSON *from)
{
	cJSON *row = cJSON_CreateArray();
	const cJSON *value;

	cJSON_ArrayForEach (value, from) {
		bool keep = value == from->child || cJSON_IsString(value);

		if (!cJSON_AddItemToArray(row, keep ? cJSON_Duplicate(value, true)
						    : cJSON_CreateArray())) {
			cJSON_Delete(row);
			return NULL;
		}
	}
	return row;
}

static int add_values(cJSON *row, const cJSON *from)
{
	const cJSON *value = from->child;
	cJSON *kept;

	cJSON_ArrayForEach (kept, row) {
		if (cJSON_IsArray(kept) && cJSON_IsNumber(value) &&
		    !cJSON_AddItemToArray(kept, cJSON_CreateNumber(value->valuedouble)))
			return -ENOMEM;
		value = value->next;
	}
	return 0;
}

static int fold_row(cJSON *rows, const cJSON *from)
{
	cJSON *row = find_row(rows, from->child);

	if (!row) {
		if (cJSON_GetArraySize(rows) >= ROWS_MAX)
			return 0;
		row = new_row(from);
		if (!cJSON_AddItemToArray(rows, row))
			return -ENOMEM;
	}
	return add_values(row, from);
}

static int fold_table(cJSON *folded, const cJSON *detail)
{
	const cJSON *columns = get(folded, "columns"), *row;
	int width = cJSON_GetArraySize(columns), err = 0;
	cJSON *rows = cJSON_GetObjectItemCaseSensitive(folded, "rows");

	if (!detail_is_table(detail) || !cJSON_Compare(columns, get(detail, "columns"), true))
		return 0;
	cJSON_ArrayForEach (row, get(detail, "rows")) {
		if (!err && width && cJSON_IsArray(row) && cJSON_GetArraySize(row) == width)
			err = fold_row(rows, row);
	}
	return err;
}

/* object[key] += what is there to add; absent counts as 0. */
static int add_to(cJSON *object, const char *key, double v)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	if (!isfinite(v))
		return 0;
	if (!item)
		return cJSON_AddNumberToObject(object, key, v) ? 0 : -ENOMEM;
	cJSON_SetNumberValue(item, item->valuedouble + v);
	return 0;
}

/* What the stages split: all operations of the kinds that they are known of. */
static int add_whole(cJSON *folded, const cJSON *detail, const cJSON *histograms)
{
	const cJSON *name;
	int err = 0;

	cJSON_ArrayForEach (name, get(detail, "of")) {
		const cJSON *h = get(histograms, cJSON_GetStringValue(name));

		err = err ? err : add_to(folded, "of_count", get_number(h, "count"));
		err = err ? err : add_to(folded, "of_sum_ns", get_number(h, "sum"));
	}
	return err;
}

static int fold_stages(cJSON *folded, const cJSON *detail, const cJSON *histograms)
{
	cJSON *stage;
	int err = detail_is_stages(detail) ? add_whole(folded, detail, histograms) : 0;

	if (!detail_is_stages(detail))
		return 0;
	cJSON_ArrayForEach (stage, get(folded, "stages")) {
		const cJSON *h = get(histograms, get_text(stage, "histogram"));

		err = err ? err : add_to(stage, "count", get_number(h, "count"));
		err = err ? err : add_to(stage, "sum_ns", get_number(h, "sum"));
	}
	err = err ? err : add_to(folded, "joined", get_number(detail, "joined"));
	return err ? err : add_to(folded, "missed", get_number(detail, "missed"));
}

/* The headings of a detail, without its figures. */
static cJSON *new_detail(const cJSON *detail)
{
	cJSON *folded = cJSON_Duplicate(detail, true);

	if (!folded)
		return NULL;
	cJSON_DeleteItemFromObjectCaseSensitive(folded, "joined");
	cJSON_DeleteItemFromObjectCaseSensitive(folded, "missed");
	if (detail_is_table(folded))
		cJSON_ReplaceItemInObjectCaseSensitive(folded, "rows", cJSON_CreateArray());
	return folded;
}

static int fold_one(cJSON *all, const cJSON *detail, const cJSON *histograms)
{
	cJSON *folded = cJSON_GetObjectItemCaseSensitive(all, detail->string);

	if (!detail_is_table(detail) && !detail_is_stages(detail))
		return 0;
	if (!folded) {
		folded = new_detail(detail);
		if (!cJSON_AddItemToObject(all, detail->string, folded))
			return -ENOMEM;
	}
	return detail_is_table(folded) ? fold_table(folded, detail)
				       : fold_stages(folded, detail, histograms);
}

int detail_fold(cJSON **folded, const cJSON *record)
{
	const cJSON *all = get_object(record, "detail"), *detail;
	int err = 0;

	if (!all)
		return 0;
	if (!*folded)
		*folded = cJSON_CreateObject();
	if (!*folded)
		return -ENOMEM;
	cJSON_ArrayForEach (detail, all)
		err = err ? err : fold_one(*folded, detail, get(record, "histograms"));
	return err;
}

static cJSON *median_of(const cJSON *values)
{
	size_t n = (size_t)cJSON_GetArraySize(values), i = 0;
	_cleanup_free_ double *v = calloc(n + 1, sizeof(*v));
	const cJSON *value;

	if (!v)
		return NULL;
	if (!n)
		return cJSON_CreateNull();
	cJSON_ArrayForEach (value, values)
		v[i++] = value->valuedouble;
	order_sort(v, n);
	return cJSON_CreateNumber(order_median(v, n));
}

static int finish_row(cJSON *row)
{
	for (int i = 1; i < cJSON_GetArraySize(row); i++) {
		const cJSON *values = cJSON_GetArrayItem(row, i);
		cJSON *median;

		if (!cJSON_IsArray(values))
			continue;
		median = median_of(values);
		if (!median)
			return -ENOMEM;
		cJSON_ReplaceItemInArray(row, i, median);
	}
	return 0;
}

int detail_finish(cJSON *folded)
{
	cJSON *detail, *row;
	int err = 0;

	cJSON_ArrayForEach (detail, folded) {
		cJSON_ArrayForEach (row, get(detail, "rows"))
			err = err ? err : finish_row(row);
	}
	return err;
}

static int find_column(const cJSON *detail, const char *name)
{
	const cJSON *column;
	int n = 0;

	cJSON_ArrayForEach (column, get(detail, "columns")) {
		if (*name && !strcmp(get_text(column, "name"), name))
			return n;
		n++;
	}
	return -1;
}

void detail_row_name(const cJSON *row, char buf[24])
{
	const cJSON *key = cJSON_IsArray(row) ? row->child : NULL;

	if (cJSON_IsNumber(key))
		snprintf(buf, 24, "%.15g", key->valuedouble);
	else
		snprintf(buf, 24, "%s", cJSON_IsString(key) ? key->valuestring : "?");
}

bool detail_bars(const cJSON *detail, struct detail_bars *ret)
{
	int at = find_column(detail, get_text(detail, "bars"));
	const cJSON *row;

	if (!detail_is_table(detail) || at < 1)
		return false;
	*ret = (struct detail_bars){
		.title = detail_title(detail),
		.name = get_text(detail, "bars"),
		.unit = detail_unit(detail, at),
		.row_name = get_text(get(detail, "columns")->child, "name"),
		.least = NAN,
		.most = NAN,
	};
	cJSON_ArrayForEach (row, get(detail, "rows")) {
		const cJSON *value = cJSON_GetArrayItem(row, at);
		double v = cJSON_IsNumber(value) ? value->valuedouble : NAN;

		ret->least = fmin(ret->least, v);
		ret->most = fmax(ret->most, v);
		if (ret->n == DETAIL_BARS_MAX) {
			ret->left_out++;
			continue;
		}
		detail_row_name(row, ret->rows[ret->n]);
		ret->values[ret->n++] = v;
	}
	return ret->n > 0;
}

bool detail_stages(const cJSON *detail, struct stage_split *ret)
{
	double whole = get_number(detail, "of_sum_ns"), known = 0;
	double joined = get_number(detail, "joined"), missed = get_number(detail, "missed");
	const cJSON *stage;

	if (!detail_is_stages(detail) || !(whole > 0))
		return false;
	*ret = (struct stage_split){.title = detail_title(detail)};
	ret->mean_ns = whole / get_number(detail, "of_count");
	ret->missed = missed / (joined + missed);
	cJSON_ArrayForEach (stage, get(detail, "stages")) {
		double sum = get_number(stage, "sum_ns");

		if (ret->n == DETAIL_STAGES_MAX)
			break;
		ret->list[ret->n++] = (struct stage){
			.name = get_text(stage, "name"),
			.from = get_text(stage, "from"),
			.to = get_text(stage, "to"),
			.says = get_text(stage, "says"),
			.mean_ns = sum / get_number(stage, "count"),
			.share = sum >= 0 ? sum / whole : 0,
		};
		known += sum >= 0 ? sum : 0;
	}
	ret->rest = known < whole ? 1 - known / whole : 0;
	return known > 0;
}
