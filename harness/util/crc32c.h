/* SPDX-License-Identifier: MIT */
/*
 * CRC32C (Castagnoli), as in iSCSI (RFC 3720, B.4) and in ext4's and btrfs's metadata: reflected,
 * starts and ends inverted. `crc` is 0 for a new sum, or the sum of what came before, so a buffer
 * can be summed in pieces.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The two ways to the same sum. crc32c() picks the machine's when it is there; asking for
 * crc32c_machine where crc32c_has_machine() is false is an illegal instruction. */
bool crc32c_has_machine(void);
uint32_t crc32c_machine(uint32_t crc, const void *data, size_t len);
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);
