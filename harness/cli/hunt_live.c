// SPDX-License-Identifier: MIT
#include "harness/cli/hunt.h"
void hunt_live(struct hunt *h)
{
	(void)h;
}
