/* SPDX-License-Identifier: MIT */
/*
 * Which machines are the same class: times of one say something of times of the other. A coarse key
 * is made of the host's description (hostinfo.h), which stays beside it for people:
 *
 *   {cpu, cpus, kernel, mitigations, filesystem, virtualisation: {hypervisor, container}}
 *
 * cpu is the model, cpus their number, kernel the release, mitigations all of them, filesystem the
 * type of that of the results.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#define MACHINE_ID_LEN 12

cJSON *machine_key(const cJSON *host);
bool machine_same(const cJSON *key_a, const cJSON *key_b);
/* 12 hex digits that name a key. */
void machine_id(const cJSON *key, char ret[static MACHINE_ID_LEN + 1]);
/* What differs between two keys, or two descriptions: [{key: "mitigations.spectre_v2", a, b}], null
 * where one has no such key. */
cJSON *machine_diff(const cJSON *a, const cJSON *b);
