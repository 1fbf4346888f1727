// SPDX-License-Identifier: MIT
/*
 * Found by the machine's identity alone, and believed only when the key inside is that machine's:
 * a file that was copied from elsewhere says nothing here.
 */
#include "harness/calibrate/stored.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/calibrate/calibrate.h"
#include "harness/exitcode.h"
#include "harness/host/machine.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/jsonl.h"

static const cJSON *at(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void path_of(const char *root, const cJSON *machine, char path[static PATH_MAX])
{
	char id[MACHINE_ID_LEN + 1];

	machine_id(machine, id);
	snprintf(path, PATH_MAX, "%.4000s/%s.json", root, id);
}

int calibration_store(const char *root, const cJSON *calibration, char **ret_path, struct err *err)
{
	_cleanup_free_ char *text = cJSON_Print(calibration), *copy = NULL;
	char path[PATH_MAX];
	int r = fs_mkdir_p(root);

	path_of(root, at(calibration, "machine"), path);
	if (!r)
		r = text && (copy = strdup(path)) ? 0 : -ENOMEM;
	if (!r)
		r = fs_replace(path, text, strlen(text));
	if (r)
		return err_sys(err, r, "%s", path);
	*ret_path = take_ptr(copy);
	return 0;
}

static int check(const cJSON *calibration, const cJSON *machine, const char *path, struct err *err)
{
	const cJSON *margin = at(at(calibration, "margin"), "margin");
	const cJSON *code = at(calibration, "exit_code");

	if (!machine_same(at(calibration, "machine"), machine))
		return err_set(err, -EBADMSG, "%s: it is of another machine", path);
	if (!cJSON_IsNumber(code) || code->valuedouble != EXITCODE_OK)
		return err_set(err, -EBADMSG, "%s: it is no finished calibration", path);
	if (!cJSON_IsNumber(margin) || margin->valuedouble < CALIBRATION_MARGIN_LOW ||
	    margin->valuedouble > CALIBRATION_MARGIN_HIGH)
		return err_set(err, -EBADMSG, "%s: \"margin\" is not a number from %g to %g", path,
			       CALIBRATION_MARGIN_LOW, CALIBRATION_MARGIN_HIGH);
	if (!cJSON_IsString(at(calibration, "started")) ||
	    !cJSON_IsNumber(at(calibration, "gates")))
		return err_set(err, -EBADMSG, "%s: \"started\" or \"gates\" is missing", path);
	return 0;
}

static void copy_item(cJSON *to, const char *key, const cJSON *item)
{
	cJSON_AddItemToObject(to, key, item ? cJSON_Duplicate(item, 1) : cJSON_CreateNull());
}

int calibration_quote(const char *root, const cJSON *machine, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *calibration = NULL;
	static const char *const keys[] = {"started", "gates", "alarms", "sees"};
	char path[PATH_MAX];
	cJSON *o;
	int r;

	path_of(root, machine, path);
	if (access(path, F_OK))
		return -ENOENT;
	r = jsonl_document(path, CALIBRATION_SCHEMA, &calibration, err);
	if (!r)
		r = check(calibration, machine, path, err);
	if (r)
		return r;
	o = cJSON_CreateObject();
	for (size_t i = 0; i < array_size(keys); i++)
		copy_item(o, keys[i], at(calibration, keys[i]));
	copy_item(o, "margin", at(at(calibration, "margin"), "margin"));
	copy_item(o, "margin_from", at(at(calibration, "margin"), "from"));
	*ret = o;
	return 0;
}

bool calibration_margin(const cJSON *quote, double *ret)
{
	const char *from = cJSON_GetStringValue(at(quote, "margin_from"));

	if (!from || strcmp(from, CALIBRATION_FROM_BUILDS) != 0)
		return false;
	*ret = at(quote, "margin")->valuedouble;
	return true;
}
