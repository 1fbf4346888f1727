/* SPDX-License-Identifier: MIT */
/* A calibration, for people. */
#pragma once

#include <cjson/cJSON.h>
#include <stdio.h>

/* `calibration`: as calibrate_analyse made it. */
void calibrate_text(const cJSON *calibration, FILE *out);
