// SPDX-License-Identifier: MIT
/* Escaping: the one door through which foreign text enters the page. */
#include <stdarg.h>
#include <stdlib.h>

#include "harness/util/cleanup.h"
#include "reports/html.h"

void html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc((unsigned char)*text < 0x20 && *text != '\n' ? ' ' : *text, out);
		}
	}
}

void html_printf(FILE *out, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		html_text(out, text);
}

void html_name(FILE *out, const char *name)
{
	for (; *name; name++) {
		const char text[] = {*name == '_' ? ' ' : *name, '\0'};

		html_text(out, text);
	}
}
