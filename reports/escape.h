/* SPDX-License-Identifier: MIT */
/*
 * Foreign text on its way into formats that others parse. All of them read it as UTF-8 (what is
 * none becomes U+FFFD), write one line, and leave nothing that could end the text or begin
 * something else. html_text (reports/html.h) does the same for pages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The character that *text begins with, which is moved behind it. */
uint32_t escape_next(const char **text);

/* XML 1.0, attribute or content: no character that it excludes, however it is written. */
void escape_xml(FILE *out, const char *text);
/* A label's value in OpenMetrics, without its quotes. */
void escape_openmetrics(FILE *out, const char *text);
/* A workflow command of GitHub's runner: its message, or the value of one of its properties. */
void escape_annotation(FILE *out, const char *text, bool property);
/* GitHub's and GitLab's Markdown, at the beginning of a line and inside a table too: nobody is
 * mentioned, and no address and no sign before a number (#1, !1, %1) becomes a link. */
void escape_markdown(FILE *out, const char *text);

/* At most `characters` of the text, an ellipsis in place of what is left out, the last `tail` of
 * them from its end; control characters are blanks. size: 4 bytes for each of them. Returns buf. */
const char *escape_shorten(char *buf, size_t size, const char *text, size_t characters,
			   size_t tail);
