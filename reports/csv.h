/* SPDX-License-Identifier: MIT */
/* Fields of RFC 4180, but with plain newlines. The comma before them is the caller's. */
#pragma once

#include <stdio.h>

void csv_text(FILE *out, const char *text);
/* With the digits that bring a double back; nothing for what is not a finite number. */
void csv_number(FILE *out, double v);
