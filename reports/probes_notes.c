// SPDX-License-Identifier: MIT
/* Notes about probes: worded so that runs differ in numbers alone, which are then merged. */
#include "reports/probes_notes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/get.h"
#include "reports/probes_view.h"

static int note_status(const cJSON *probe, int (*add)(void *, const char *), void *arg)
{
	char text[500];

	if (!strcmp(get_text(probe, "status"), "ok"))
		return 0;
	snprintf(text, sizeof(text), "probe %s %s: %s", probe->string, get_text(probe, "status"),
		 get_text(probe, "reason"));
	return add(arg, text);
}

static int note_losses(const cJSON *probe, int (*add)(void *, const char *), void *arg)
{
	static const struct {
		const char *key, *form, *reason;
	} losses[] = {
		{"lost", "probe %s lost %.0f events", "reason_lost"},
		{"map_full", "probe %s: %.0f keys found no room in a table", NULL},
	};
	char text[400];
	int err = 0;

	for (size_t i = 0; !err && i < array_size(losses); i++) {
		double n = get_number(probe, losses[i].key);
		const char *reason;
		int len;

		if (!(n > 0))
			continue;
		len = snprintf(text, sizeof(text), losses[i].form, probe->string, n);
		reason = losses[i].reason ? get_text(probe, losses[i].reason) : "";
		if (*reason && len > 0 && (size_t)len < sizeof(text))
			snprintf(text + len, sizeof(text) - (size_t)len, ": %s", reason);
		err = add(arg, text);
	}
	return err;
}

static int note_closure(const cJSON *probes, int (*add)(void *, const char *), void *arg)
{
	const struct probes_view view = {.probes = probes};
	struct view_role role;
	char text[200];
	int err = 0;

	for (unsigned i = 0; !err && view_role(&view, i, &role); i++) {
		if (!(role.closure < CLOSURE_LEAST || role.closure > CLOSURE_MOST))
			continue;
		snprintf(text, sizeof(text),
			 "probe sched accounts for %.1f %% of the wall time of role %.60s%s",
			 role.closure * 100, role.name,
			 role.checked ? "" : ", by its own account alone");
		err = add(arg, text);
	}
	return err;
}

int probes_notes(const cJSON *probes, int (*add)(void *arg, const char *text), void *arg)
{
	const cJSON *probe;
	int err = 0;

	cJSON_ArrayForEach (probe, probes) {
		err = err ? err : note_status(probe, add, arg);
		err = err ? err : note_losses(probe, add, arg);
	}
	return err ? err : note_closure(probes, add, arg);
}
