/* SPDX-License-Identifier: MIT */
/* The host in one line, from the manifest's `host` object. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

/* "Linux 6.18.5, AMD EPYC 7B13, 2 CPUs, kvm". Returns its length, 0 when nothing is known. */
int hostline(const cJSON *host, char *buf, size_t size);
