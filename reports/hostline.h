/* SPDX-License-Identifier: MIT */
/* The host in one line, from the manifest's `host` object. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* "Linux 6.18.5, AMD EPYC 7B13, 2 CPUs, kvm". Returns its length, 0 when nothing is known. */
int hostline(const cJSON *host, char *buf, size_t size);
/* Was it measured on a processor that is emulated? Then what each instruction costs is far from
 * what it costs a real one, and times and rates are good for comparing cells with each other. */
bool host_emulated(const cJSON *host);
#define HOST_EMULATED                                                                        \
	"Measured on an emulated processor: times and rates are relative. Compare cells of " \
	"this session with each other, and nothing with a real machine."
