// SPDX-License-Identifier: MIT
/*
 * Bucket i of a sheet is the buckets 8i to 8i + 7 of a record. In hist.h's layout these always lie
 * in one power of two, so merging loses resolution and nothing else.
 */
#include "harness/stored/sheet_hist.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "harness/util/cleanup.h"

static double number(const cJSON *o, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static void add_buckets(uint64_t *buckets, const cJSON *hist, unsigned coarser)
{
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(hist, "buckets"), *row;

	cJSON_ArrayForEach (row, rows) {
		double i = cJSON_GetNumberValue(cJSON_GetArrayItem(row, 0));
		double n = cJSON_GetNumberValue(cJSON_GetArrayItem(row, 1));

		if (i >= 0 && i / coarser < SHEET_BUCKETS && n >= 0)
			buckets[(size_t)i / coarser] += (uint64_t)n;
	}
}

void sheet_hist_add(uint64_t buckets[static SHEET_BUCKETS], const cJSON *hist)
{
	add_buckets(buckets, hist, 1);
}

static cJSON *bucket_rows(const uint64_t *buckets)
{
	cJSON *rows = cJSON_CreateArray();

	for (size_t i = 0; i < SHEET_BUCKETS; i++) {
		cJSON *row;

		if (!buckets[i])
			continue;
		row = cJSON_CreateArray();
		cJSON_AddItemToArray(row, cJSON_CreateNumber((double)i));
		cJSON_AddItemToArray(row, cJSON_CreateNumber((double)buckets[i]));
		cJSON_AddItemToArray(rows, row);
	}
	return rows;
}

static void set_number(cJSON *o, const char *key, double value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(o, key);
	cJSON_AddNumberToObject(o, key, value);
}

void sheet_hist_merge(cJSON *into, const cJSON *record_hist)
{
	_cleanup_free_ uint64_t *buckets = calloc(SHEET_BUCKETS, sizeof(*buckets));
	double before = number(into, "count"), count = number(record_hist, "count");

	if (!buckets || !(count > 0))
		return;
	before = isnan(before) ? 0 : before;
	sheet_hist_add(buckets, into);
	add_buckets(buckets, record_hist, SHEET_COARSER);
	/* fmin and fmax leave out what is not known yet. */
	set_number(into, "count", before + count);
	set_number(into, "sum",
		   (before > 0 ? number(into, "sum") : 0) + number(record_hist, "sum"));
	set_number(into, "min", fmin(number(into, "min"), number(record_hist, "min")));
	set_number(into, "max", fmax(number(into, "max"), number(record_hist, "max")));
	cJSON_DeleteItemFromObjectCaseSensitive(into, "buckets");
	cJSON_AddItemToObject(into, "buckets", bucket_rows(buckets));
}

static bool good_row(const cJSON *row, double *last)
{
	const cJSON *i = cJSON_GetArrayItem(row, 0), *n = cJSON_GetArrayItem(row, 1);

	if (cJSON_GetArraySize(row) != 2 || !cJSON_IsNumber(i) || !cJSON_IsNumber(n) ||
	    i->valuedouble <= *last || i->valuedouble >= SHEET_BUCKETS || n->valuedouble < 0)
		return false;
	*last = i->valuedouble;
	return true;
}

int sheet_hist_check(const cJSON *all, const char *place, struct err *err)
{
	const cJSON *hist, *row;

	cJSON_ArrayForEach (hist, all) {
		const cJSON *rows = cJSON_GetObjectItemCaseSensitive(hist, "buckets");
		double last = -1;

		cJSON_ArrayForEach (row, rows)
			if (!good_row(row, &last))
				return err_set(err, -EBADMSG,
					       "%s: buckets of \"%s\" are not pairs [index, "
					       "count] in ascending order below %d",
					       place, hist->string, SHEET_BUCKETS);
	}
	return 0;
}

double sheet_hist_quantile(const uint64_t buckets[static SHEET_BUCKETS], double q)
{
	double count = 0, sum = 0;

	for (size_t i = 0; i < SHEET_BUCKETS; i++)
		count += (double)buckets[i];
	for (unsigned i = 0; i < SHEET_BUCKETS; i++) {
		sum += (double)buckets[i];
		if (buckets[i] && sum >= q * count)
			return ((double)hist_low(i * SHEET_COARSER) +
				(double)hist_high(i * SHEET_COARSER + SHEET_COARSER - 1)) /
			       2;
	}
	return NAN;
}
