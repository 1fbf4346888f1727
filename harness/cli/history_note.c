// SPDX-License-Identifier: MIT
/*
 * How results come into the history when a verb has made them. A guest keeps none: its folders come
 * back, and go into the history out here, so that it does not take the place of the one there is.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/history_write.h"
#include "harness/history/history.h"
#include "harness/util/cleanup.h"
#include "reports/fmt.h"

static bool is_wanted(void)
{
	const char *how = getenv("UHBENCH_HISTORY");

	return !how || strcmp(how, "none") != 0;
}

void history_note(const char *folder)
{
	struct err err = {""};
	char safe[ERR_MAX];

	if (is_wanted() && history_add(folder, &err))
		fprintf(stderr, "note: not in a history: %s\n",
			fmt_safe(safe, sizeof(safe), err.text));
}

/* Has the folder results that were written since? */
static bool is_since(const char *folder, time_t since)
{
	static const char *const files[] = {"manifest.json", "gate.json"};
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < array_size(files); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, files[i]) <
			    sizeof(path) &&
		    !stat(path, &st) && st.st_mtime >= since)
			return true;
	return false;
}

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* A folder without results of its own may be one of results. */
static void note_inside(const char *folder, time_t since)
{
	_cleanup_(cleanup_dir) DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
			    sizeof(path) &&
		    is_since(path, since))
			history_note(path);
}

void history_note_since(const char *const *folders, time_t since)
{
	for (; *folders; folders++) {
		if (is_since(*folders, since))
			history_note(*folders);
		else
			note_inside(*folders, since);
	}
}
