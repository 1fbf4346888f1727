/* SPDX-License-Identifier: MIT */
/* The verdict in one sentence, for who reads no more. */
#pragma once

#include <cjson/cJSON.h>

#define VERDICT_LINE_MAX 400

/* `cells`: as in verdicts.json, worst first. `sees`: NAN where nobody knows. */
void verdict_line(const char *verdict, int exit_code, const cJSON *cells, double sees,
		  char line[static VERDICT_LINE_MAX]);
