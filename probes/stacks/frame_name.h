/* SPDX-License-Identifier: MIT */
/* What a code address is called: function and line, with libdwfl. */
#pragma once

#include <cjson/cJSON.h>
#include <elfutils/libdwfl.h>
#include <stdint.h>

#include "probes/stacks/procmaps.h"

/* Texts for one address, innermost inlined function first; at least one. `map`: where it lies, for
 * code that is in no file. NULL without memory. */
cJSON *frame_names(Dwfl *dwfl, const struct procmap *map, uint64_t address);

/* A descriptor of a regular file, or -1; its name goes to `ret_name`, malloc'd. */
int frame_open_file(const char *path, char **ret_name);
