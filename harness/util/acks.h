/* SPDX-License-Identifier: MIT */
/*
 * The stream of acknowledgements: what a run has promised, told to somebody who outlives it. Text,
 * appended to a file, a FIFO or a character device by whoever acknowledges, before it goes on:
 *
 *	# WORKLOAD JSON		a run begins; the JSON says what a replay needs to know of it
 *	...			one line for each acknowledgement, in the workload's own words
 *
 * A stream that ends in the middle of a line ends with the line before: who died while he spoke has
 * promised nothing.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "harness/util/err.h"

#define ACKS_NAME_MAX 32

/* The newest run of a stream. */
struct acks {
	char name[ACKS_NAME_MAX]; /* of the workload */
	cJSON *run;		  /* what its first line says; acks_free */
	const char *lines;	  /* its acknowledgements, inside the stream's text */
	size_t len;		  /* whole lines only */
};

/* 0; -ENODATA when no run has begun; -EBADMSG with err when this is no such stream; -ENOMEM. */
int acks_newest(const char *text, size_t len, struct acks *ret, struct err *err);
void acks_free(struct acks *acks);

/* Bytes of `text` that belong to whole lines. */
size_t acks_whole(const char *text, size_t len);
