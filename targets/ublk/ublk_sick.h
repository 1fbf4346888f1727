/* SPDX-License-Identifier: MIT */
/* The knob `fault` of the server, at the two ends of a request. */
#pragma once

#include <stdbool.h>

#include "targets/ublk/ublk_serve.h"

/* Before a request is served. True: it was taken care of, or will be when a delay is over. */
bool ublk_sick_begin(struct ublk_thread *t, struct ublk_tag *tag);
/* Before its result goes to the driver. Returns the result that does. */
int32_t ublk_sick_end(struct ublk_thread *t, struct ublk_tag *tag, int32_t result);
