/* SPDX-License-Identifier: MIT */
/*
 * How a class of time looks: one of the page's eight colours and, since there are more classes than
 * colours and not everybody tells colours apart, a pattern over it.
 */
#pragma once

#include <stdio.h>

#define CLASS_BAR_PX 30

struct class_look {
	const char *key;
	unsigned colour;     /* c0 to c7 of page.css */
	const char *pattern; /* id of an SVG pattern; NULL = plain */
};

/* Never NULL: an unknown class looks like "other". */
const struct class_look *class_look(const char *key);
/* A rectangle in that look; `place` holds x, y, width and height as attributes. */
void class_rect(FILE *out, const struct class_look *look, const char *place, double opacity);
/* "futex 45 %", in a bar CLASS_BAR_PX high of which it is `share`: where that, or the name alone,
 * fits even a narrow window, or a wide one only. */
void class_label(FILE *out, const char *name, double share);
