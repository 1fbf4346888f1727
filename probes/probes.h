/* SPDX-License-Identifier: MIT */
/* What this folder brings: main() puts it into the registry. */
#pragma once

#include "harness/probe.h"

extern const struct prober_ops probes_prober;
extern const struct probe_info probe_infos[]; /* of probe_plugins, in the same order */
