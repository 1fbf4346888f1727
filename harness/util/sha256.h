/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), to name the build that was measured. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_HEX 65 /* 64 digits and NUL */

struct sha256 {
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, char hex[static SHA256_HEX]);

/* Of what is left in a file. 0 or -errno. */
int sha256_fd(int fd, char hex[static SHA256_HEX]);
