/* SPDX-License-Identifier: MIT */
/*
 * HdrHistogram's V2 encoding (org.HdrHistogram.AbstractHistogram.encodeIntoByteBuffer and
 * ZigZagEncoding; hdrhistogram.org): a 40-byte big-endian header, then the counts from index 0 as
 * ZigZag LEB128, runs of zeros as one negative number; deflated, behind an 8-byte header, in
 * base64.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* ZigZag LEB128, at most 9 bytes. Returns how many were written. */
size_t hdrlog_zigzag(uint8_t *to, int64_t value);

/* Encodes n sparse counts (index ascending, zero counts allowed). *ret is base64 text, to be freed.
 * -ENOMEM. */
int hdrlog_encode(const uint16_t *index, const uint64_t *counts, unsigned n, char **ret);
