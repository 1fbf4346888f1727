/* SPDX-License-Identifier: MIT */
/*
 * What a reader of figures must know about the machine they come from. Goes into manifest.json as
 * `host`; results/README.md documents the keys. Reads /proc and /sys only: changes nothing, takes
 * a few milliseconds. What the machine does not tell is null.
 */
#pragma once

#include <cjson/cJSON.h>

/* `results_dir` must exist: its filesystem is part of the answer. NULL only when out of memory. */
cJSON *hostinfo_collect(const char *results_dir);

/* Of this binary, from git; "unknown" outside a checkout. */
const char *hostinfo_revision(void);

/* The parts that `doctor` shows too. Each returns a new object or NULL when out of memory. */
cJSON *hostinfo_cpu(void);	      /* model, online, governor, driver, smt, mhz_max */
cJSON *hostinfo_mitigations(void);    /* {vulnerability: text} */
cJSON *hostinfo_virtualisation(void); /* hypervisor, product, container; each null when none */
cJSON *hostinfo_filesystem(const char *path);
cJSON *hostinfo_sysctls(void); /* {name: number | text | null} */
