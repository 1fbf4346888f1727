// SPDX-License-Identifier: MIT
/*
 * Which probes can run here. The prober is asked, and tries by loading what it would load; nothing
 * is attached.
 */
#include "harness/host/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/probe.h"

static void report_probe(cJSON *findings, const struct prober_ops *ops, const struct probe_info *p)
{
	const char *hooks = "";
	struct err why = {""};
	char cost[256];
	int r = ops->supported(p->name, &hooks, &why);

	if (!r && strcmp(hooks, "plain")) {
		doctor_add(findings, p->name, DOCTOR_OK, "BTF-typed tracepoints");
	} else if (!r) {
		doctor_advise(
			doctor_add(findings, p->name, DOCTOR_WARNING, "plain tracepoints"),
			"each event costs up to three times of what it would by a typed tracepoint",
			"boot a kernel with CONFIG_DEBUG_INFO_BTF=y");
	} else {
		snprintf(cost, sizeof(cost), "not seen: %s", p->help);
		doctor_advise(doctor_add(findings, p->name, DOCTOR_MISSING, "%s",
					 why.text[0] ? why.text : strerror(-r)),
			      cost, r == -EPERM ? "run as root" : NULL);
	}
}

void doctor_probes(cJSON *findings, const struct prober_ops *prober)
{
	if (!prober || !prober->probes[0].name)
		doctor_advise(
			doctor_add(findings, "probes", DOCTOR_MISSING, "this build has no probes"),
			"what runs wait for is not told; procstat still counts", NULL);
	for (size_t i = 0; prober && prober->probes[i].name; i++)
		report_probe(findings, prober, &prober->probes[i]);
}
