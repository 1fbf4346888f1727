/* SPDX-License-Identifier: MIT */
/* The "Udp:" counters of a network namespace (/proc/net/snmp, RFC 4113 and Linux's own). */
#pragma once

#include <stdint.h>

#include "harness/util/err.h"

struct udp_snmp;

/* Of the caller's namespace; later reads are of the same one, wherever they come from. */
int udp_snmp_open(struct udp_snmp **ret, struct err *err);
void udp_snmp_close(struct udp_snmp *s); /* accepts NULL */
int udp_snmp_read(struct udp_snmp *s, const char *counter, uint64_t *ret, struct err *err);

/* The value under `counter` in the two lines that start with "Udp: ". -EBADMSG when not there. */
int udp_snmp_parse(const char *text, const char *counter, uint64_t *ret);
