/* SPDX-License-Identifier: MIT */
/*
 * FNV-1a, 64 bits (RFC 9923): small, stable for ever, good enough to tell cells apart; not for
 * secrets. Start with FNV_START, feed pieces in order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FNV_START 0xcbf29ce484222325ull

static inline uint64_t fnv_bytes(uint64_t hash, const void *data, size_t len)
{
	for (const unsigned char *p = data; len--; p++)
		hash = (hash ^ *p) * 0x100000001b3ull;
	return hash;
}

static inline uint64_t fnv_text(uint64_t hash, const char *text)
{
	return fnv_bytes(hash, text, strlen(text));
}
