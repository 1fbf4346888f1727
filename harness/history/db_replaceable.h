/* SPDX-License-Identifier: MIT */
#pragma once

#include "harness/util/err.h"

/* May the file, where our store is to be, be thrown away? 0, also when there is none; -EBADMSG: it
 * is another program's database; -ENOTSUP: a store of a newer uhbench. */
int db_replaceable(const char *file, struct err *err);
