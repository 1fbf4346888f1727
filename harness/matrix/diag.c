// SPDX-License-Identifier: MIT
/*
 * Collected errors and notes. Kept items stay sorted by place: a text is checked in several passes,
 * and a person wants to read it from top to bottom. Among more than DIAG_KEPT the first told win.
 */
#include "harness/matrix/diag.h"

#include <stdarg.h>
#include <string.h>

static bool before(struct json_place a, struct json_place b)
{
	return a.line != b.line ? a.line < b.line : a.column < b.column;
}

static const struct diag_item *find(const struct diag_list *list, const struct diag_item *item)
{
	for (size_t i = 0; i < list->kept; i++)
		if (!strcmp(list->items[i].text, item->text))
			return &list->items[i];
	return NULL;
}

static bool scanner_spoke(const struct diag_list *list, struct json_place place)
{
	for (size_t i = 0; i < list->kept; i++)
		if (list->items[i].scanner && list->items[i].place.line == place.line &&
		    list->items[i].place.column == place.column)
			return true;
	return false;
}

static void insert(struct diag_list *list, const struct diag_item *item)
{
	size_t i;

	list->count++;
	if (list->kept == DIAG_KEPT)
		return;
	for (i = list->kept; i > 0 && before(item->place, list->items[i - 1].place); i--)
		list->items[i] = list->items[i - 1];
	list->items[i] = *item;
	list->kept++;
}

/* Looking a place up costs a pass over the text: not for what is said already or not kept. */
static void add(const struct diag *d, struct diag_list *list, const char *path, bool key,
		const char *fmt, va_list ap)
{
	struct diag_item item = {.scanner = false};
	size_t offset;
	int n = 0;

	list->told++;
	if (path && *path)
		n = snprintf(item.text, sizeof(item.text), "%s: ", path);
	if (n >= 0 && (size_t)n < sizeof(item.text))
		vsnprintf(item.text + n, sizeof(item.text) - (size_t)n, fmt, ap);
	if (find(list, &item))
		return;
	if (list->kept < DIAG_KEPT && d->text && path &&
	    json_locate(d->text, d->len, path, key, &offset))
		item.place = json_place_of(d->text, d->len, offset);
	if (!item.place.line || !scanner_spoke(list, item.place))
		insert(list, &item);
}

void diag_error(struct diag *d, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, &d->errors, path, false, fmt, ap);
	va_end(ap);
}

void diag_error_key(struct diag *d, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, &d->errors, path, true, fmt, ap);
	va_end(ap);
}

void diag_note(struct diag *d, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, &d->notes, path, false, fmt, ap);
	va_end(ap);
}

void diag_error_at(struct diag *d, size_t offset, const char *path, const char *text)
{
	struct diag_item item = {.scanner = true};

	d->errors.told++;
	snprintf(item.text, sizeof(item.text), "%s%s%s", path, *path ? ": " : "", text);
	if (d->errors.kept < DIAG_KEPT)
		item.place = json_place_of(d->text, d->len, offset);
	insert(&d->errors, &item);
}

static void write_list(const struct diag *d, const struct diag_list *list, FILE *out)
{
	for (size_t i = 0; i < list->kept; i++) {
		const struct diag_item *item = &list->items[i];

		if (item->place.line)
			fprintf(out, "%s:%u:%u: %s\n", d->file, item->place.line,
				item->place.column, item->text);
		else
			fprintf(out, "%s: %s\n", d->file, item->text);
	}
	if (list->count > list->kept)
		fprintf(out, "%s: and %zu more\n", d->file, list->count - list->kept);
}

void diag_write_errors(const struct diag *d, FILE *out)
{
	write_list(d, &d->errors, out);
}

void diag_write_notes(const struct diag *d, FILE *out)
{
	write_list(d, &d->notes, out);
}

cJSON *diag_json(const struct diag_list *list)
{
	cJSON *items = cJSON_CreateArray();

	for (size_t i = 0; i < list->kept; i++) {
		const struct diag_item *item = &list->items[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddItemToArray(items, o);
		if (item->place.line) {
			cJSON_AddNumberToObject(o, "line", item->place.line);
			cJSON_AddNumberToObject(o, "column", item->place.column);
		} else {
			cJSON_AddNullToObject(o, "line");
			cJSON_AddNullToObject(o, "column");
		}
		cJSON_AddStringToObject(o, "text", item->text);
	}
	return items;
}
