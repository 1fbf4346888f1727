// SPDX-License-Identifier: MIT
/*
 * What this machine offers to the targets that need more than a filesystem and io_uring, in their
 * own words; and what their killed runs left on it.
 */
#include "harness/host/doctor.h"

#include "harness/registry.h"

static void say(void *findings, const struct offer *offer)
{
	cJSON *finding = doctor_add(findings, offer->name,
				    offer->there ? DOCTOR_OK : DOCTOR_MISSING, "%s", offer->text);

	if (!offer->there)
		doctor_advise(finding, offer->cost, offer->remedy);
}

static void left(void *findings, const char *what)
{
	doctor_advise(doctor_add(findings, "left behind", DOCTOR_WARNING, "%s", what),
		      "it takes memory and a name until somebody removes it",
		      "uhbench doctor --fix");
}

static void removed(void *findings, const char *what)
{
	doctor_add(findings, "removed", DOCTOR_OK, "%s", what);
}

int doctor_targets(cJSON *findings, const struct registry *reg, bool fix, struct err *err)
{
	int r;

	for (size_t i = 0; reg->targets[i]; i++)
		if (reg->targets[i]->offers)
			reg->targets[i]->offers(say, findings);
	r = registry_leftovers(reg, fix, fix ? removed : left, findings, err);
	if (r < 0)
		doctor_advise(doctor_add(findings, "left behind", DOCTOR_WARNING, "%s", err->text),
			      "uhbench could not look at it, or not remove it",
			      "what the message says");
	else if (!r)
		doctor_add(findings, "left behind", DOCTOR_OK, "nothing");
	return r;
}
