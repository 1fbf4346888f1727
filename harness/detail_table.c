// SPDX-License-Identifier: MIT
#include "harness/detail_table.h"

cJSON *detail_table(const char *title, const char *says)
{
	cJSON *table = cJSON_CreateObject();

	cJSON_AddStringToObject(table, "title", title);
	if (says)
		cJSON_AddStringToObject(table, "says", says);
	cJSON_AddArrayToObject(table, "columns");
	cJSON_AddArrayToObject(table, "rows");
	return table;
}

void detail_column(cJSON *table, const char *name, const char *unit, const char *says)
{
	cJSON *column = cJSON_CreateObject();

	cJSON_AddStringToObject(column, "name", name);
	cJSON_AddItemToObject(column, "unit", unit ? cJSON_CreateString(unit) : cJSON_CreateNull());
	if (says)
		cJSON_AddStringToObject(column, "says", says);
	cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(table, "columns"), column);
}

cJSON *detail_row(cJSON *table)
{
	cJSON *row = cJSON_CreateArray();

	cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(table, "rows"), row);
	return row;
}
