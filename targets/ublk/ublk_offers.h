/* SPDX-License-Identifier: MIT */
#pragma once

#include "harness/offer.h"

/* target_ops.offers: the driver, and its features by name. */
void ublk_offers(offer_fn say, void *arg);
