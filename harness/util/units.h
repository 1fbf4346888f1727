/* SPDX-License-Identifier: MIT */
/*
 * Sizes, rates and times with units, to and from text.
 *
 *   sizes   bytes; k (or K), M, G, T are powers of 1024; "64k", "64KB" and "64KiB" are the same
 *   rates   per second; k (or K), M, G are powers of 1000
 *   times   ns, us, ms, s, min (or m), h
 *
 * A fraction is legal when the result is whole ("1.5s", "0.5k"). Results are at most 2^53, so that
 * they stay exact in JSON.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UNITS_MAX      (1ull << 53)
#define UNITS_TEXT_MAX 32

/* Digits only. 0, -EINVAL for anything else, -ERANGE when above 2^64 - 1. */
int units_parse_uint(const char *text, uint64_t *ret);
/* 0, -EINVAL for text that is not of the shape above, -ERANGE when above 2^53 or not whole. */
int units_parse_size(const char *text, uint64_t *ret_bytes);
int units_parse_rate(const char *text, uint64_t *ret_per_s);
/* As above; a bare number other than 0 is -EINVAL: a time needs its unit. */
int units_parse_time(const char *text, uint64_t *ret_ns);

/* Exact, as people write it: "64k", "4097", "500ms", "1.5s". Returns buf. */
const char *units_format_size(uint64_t bytes, char buf[static UNITS_TEXT_MAX]);
const char *units_format_rate(uint64_t per_s, char buf[static UNITS_TEXT_MAX]);
const char *units_format_time(uint64_t ns, char buf[static UNITS_TEXT_MAX]);
