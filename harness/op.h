/* SPDX-License-Identifier: MIT */
/*
 * One operation: what the workload asks for and what the target answers. Slots belong to a lane,
 * are made once and reused; nothing in the measured loop allocates.
 *
 *   field         written by   meaning
 *   data, cap     lane         the slot's own buffer (aligned to 4096) and its size
 *   addr          workload     offset, partition or destination: the workload's header says which
 *   len           workload     bytes of `data` that count; starts as cap and stays from use to use
 *   seq           drive        number of the operation in its lane, from 0, without gaps
 *   intended_ns   drive        when it should have started (open loop) or did (closed loop)
 *   submitted_ns  drive        when its batch was handed to the target
 *   result        target       bytes (>= 0) or -errno
 *   priv          target       the target's own, for the time the operation is in flight
 *   slot          lane         index of the slot, 0 .. depth - 1 (registered buffer index)
 *   kind          workload     index in workload_ops.kinds; 0 where there are none
 */
#pragma once

#include <stdint.h>

struct op {
	uint64_t intended_ns;
	uint64_t submitted_ns;
	uint64_t addr;
	uint64_t seq;
	void *data;
	uint32_t len;
	int32_t result;
	uint32_t cap;
	uint16_t slot;
	uint8_t kind;
	uint64_t priv;
};
_Static_assert(sizeof(struct op) == 64, "one operation is one cache line");
