// SPDX-License-Identifier: MIT
/*
 * A record has every key of the schema whatever became of the run, so that readers need no cases:
 * a run without a response has empty metrics and no window.
 */
#include "harness/session/record.h"

#include <stdio.h>
#include <string.h>

#include "harness/cell.h"
#include "harness/session/launch.h"
#include "harness/session/store.h"
#include "harness/util/nsec.h"

void record_time(const struct timespec *ts, char *text, size_t size)
{
	struct tm tm;
	size_t n;

	gmtime_r(&ts->tv_sec, &tm);
	n = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, size - n, ".%03ldZ", ts->tv_nsec / 1000000);
}

static void move_or(cJSON *to, const char *key, cJSON *from, cJSON *otherwise)
{
	cJSON *item = from ? cJSON_DetachItemFromObjectCaseSensitive(from, key) : NULL;

	if (item)
		cJSON_Delete(otherwise);
	cJSON_AddItemToObject(to, key, item ? item : otherwise);
}

static void move_if(cJSON *to, const char *key, cJSON *from)
{
	cJSON *item = from ? cJSON_DetachItemFromObjectCaseSensitive(from, key) : NULL;

	if (item)
		cJSON_AddItemToObject(to, key, item);
}

cJSON *record_make(const struct record_head *head, struct outcome *o)
{
	cJSON *rec = cJSON_CreateObject();
	char text[40];

	cJSON_AddNumberToObject(rec, "schema", RECORD_SCHEMA);
	cJSON_AddItemToObject(rec, "cell", cell_describe(head->cell));
	cJSON_AddNumberToObject(rec, "repeat", (double)head->repeat);
	cJSON_AddNumberToObject(rec, "order", (double)head->order);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)head->seed);
	cJSON_AddStringToObject(rec, "seed", text);
	cJSON_AddBoolToObject(rec, "probed", head->probed);
	cJSON_AddItemToObject(rec, "probes", head->probes ? head->probes : cJSON_CreateObject());
	cJSON_AddStringToObject(rec, "status", status_names[o->status]);
	if (o->status == STATUS_OK)
		cJSON_AddNullToObject(rec, "reason");
	else
		cJSON_AddStringToObject(rec, "reason", o->reason);
	record_time(&head->start, text, sizeof(text));
	cJSON_AddStringToObject(rec, "start", text);
	cJSON_AddNumberToObject(rec, "duration", (double)o->took_ns / (double)NSEC_PER_SEC);
	move_or(rec, "window", o->response, cJSON_CreateNull());
	move_or(rec, "metrics", o->response, cJSON_CreateObject());
	move_or(rec, "histograms", o->response, cJSON_CreateObject());
	move_or(rec, "series", o->response, cJSON_CreateNull());
	move_or(rec, "usage", o->response, cJSON_CreateObject());
	move_or(rec, "processes", o->response, cJSON_CreateArray());
	move_or(rec, "host", o->response, cJSON_CreateNull());
	move_or(rec, "verify", o->response, cJSON_CreateObject());
	move_or(rec, "errors", o->response, cJSON_CreateObject());
	move_if(rec, "little", o->response);
	move_if(rec, "open_loop", o->response);
	move_if(rec, "detail", o->response);
	cJSON_AddItemToObject(rec, "isolation", cJSON_Duplicate(o->isolation, 1));
	if (o->stall)
		cJSON_AddItemToObject(rec, "stall", cJSON_Duplicate(o->stall, 1));
	move_or(rec, "notes", o->response, cJSON_CreateArray());
	return rec;
}
