/* SPDX-License-Identifier: MIT */
/*
 * Figures for people: three significant digits and the unit that keeps them between 1 and 1000.
 * "12.3k/s", "1.23 us", "64 KiB", "98.5 %"; "-" for what is not a finite number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FMT_MAX 40

/* `unit` as in harness/metric.h. `utf8` writes the micro sign instead of a u. Returns buf. */
const char *fmt_value(char buf[FMT_MAX], double v, const char *unit, bool utf8);
/* The figure alone, scaled by k, M, G: "12.3k". */
const char *fmt_count(char buf[FMT_MAX], double v);
/* "2.50 ms" is "2.5 ms" on an axis, "40.0M" is "40M". Returns what it was given. */
char *fmt_trim(char *figure);
/* A fraction as a percentage: "6.2 %", "0.04 %", "120 %"; with its sign: "+6.2 %". */
const char *fmt_percent(char buf[FMT_MAX], double fraction, bool sign);
/* "12 s", "3 min 20 s", "1 h 5 min" */
const char *fmt_span(char buf[FMT_MAX], double seconds);
/* Copies text, every control character replaced by a blank: records are not to move the cursor. */
const char *fmt_safe(char *buf, size_t size, const char *text);
