// SPDX-License-Identifier: MIT
/*
 * Each format is a table of what a character becomes; what is not in it stands for itself. Sources:
 * XML 1.0 (fifth edition) 2.2 and 2.4; OpenMetrics 1.0, "escaped-string"; actions/toolkit,
 * packages/core/src/command.ts (escapeData, escapeProperty); the GitHub Flavored Markdown
 * specification 2.4 and 2.5, by which a character reference is never structure, and 6.9
 * (addresses); GitLab's manual, "GitLab-specific references".
 */
#include "reports/escape.h"

#include <ctype.h>
#include <string.h>

#include "harness/util/cleanup.h"

#define REPLACEMENT 0xfffd
#define ELLIPSIS    0x2026

/* Length and first bits of a sequence by its first byte; 0: it cannot be a first byte. */
static int sequence(unsigned char first, uint32_t *bits)
{
	if (first < 0x80) {
		*bits = first;
		return 1;
	}
	if (first >= 0xc2 && first < 0xe0) {
		*bits = first & 0x1f;
		return 2;
	}
	if (first >= 0xe0 && first < 0xf0) {
		*bits = first & 0x0f;
		return 3;
	}
	*bits = first & 0x07;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

uint32_t escape_next(const char **text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)*text;
	uint32_t c;
	int n = sequence(*byte, &c);

	for (int i = 1; i < n; i++) {
		if ((byte[i] & 0xc0) != 0x80) /* also the text's end */
			n = 0;
		c = c << 6 | (byte[i] & 0x3f);
	}
	*text += n ? n : 1;
	if (!n || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return REPLACEMENT;
	return c;
}

static int encode(uint32_t c, char *buf)
{
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (int i = n; i > 1; i--, c >>= 6)
		buf[i - 1] = (char)(0x80 | (c & 0x3f));
	buf[0] = (char)(first[n] | c);
	return n;
}

static void put(FILE *out, uint32_t c)
{
	char buf[4];

	fwrite(buf, 1, (size_t)encode(c, buf), out);
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

void escape_xml(FILE *out, const char *text)
{
	while (*text) {
		uint32_t c = escape_next(&text);

		if (c == '<')
			fputs("&lt;", out);
		else if (c == '>')
			fputs("&gt;", out);
		else if (c == '&')
			fputs("&amp;", out);
		else if (c == '"')
			fputs("&quot;", out);
		else if (c == '\'')
			fputs("&apos;", out);
		else if (is_control(c))
			fputc(' ', out);
		else
			put(out, c == 0xfffe || c == 0xffff ? REPLACEMENT : c);
	}
}

void escape_openmetrics(FILE *out, const char *text)
{
	while (*text) {
		uint32_t c = escape_next(&text);

		if (c == '\\' || c == '"')
			fputc('\\', out);
		if (c == '\n')
			fputs("\\n", out);
		else
			put(out, c);
	}
}

void escape_annotation(FILE *out, const char *text, bool property)
{
	while (*text) {
		uint32_t c = escape_next(&text);

		if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
			fprintf(out, "%%%02X", (unsigned)c);
		else
			put(out, is_control(c) ? ' ' : c);
	}
}

/* Would c, with only blanks and digits before it, begin a list or a heading? */
static bool begins_block(uint32_t c, char next)
{
	if (c == '-' || c == '+' || c == '.')
		return !next || next == ' ' || next == '\t' || next == (char)c;
	return c == '=';
}

/* Signs before a name or a number that a forge looks for in what is rendered, where a character
 * reference hides nothing; an address, too. A blank of no width between the two does. */
static bool begins_reference(uint32_t c, char next)
{
	if (c == ':')
		return next == '/';
	return c == '@' || c == '#' ||
	       (c < 0x80 && strchr("!~%$&", (int)c) &&
		(isalnum((unsigned char)next) || next == '"'));
}

void escape_markdown(FILE *out, const char *text)
{
	bool lead = true;
	uint32_t before = 0;

	while (*text) {
		uint32_t c = escape_next(&text);

		if (is_control(c))
			c = ' ';
		if ((c < 0x80 && strchr("\\`*_{}[]()<>#|&~@:$\"'^!", (int)c)) ||
		    (lead && begins_block(c, *text)) || (c == '.' && before == 'w') ||
		    (c == ' ' && before == '\0'))
			fprintf(out, "&#%u;", (unsigned)c);
		else
			put(out, c);
		if (begins_reference(c, *text))
			fputs("&#8203;", out);
		lead = lead && (c == ' ' || (c >= '0' && c <= '9'));
		before = c;
	}
}

static size_t length_of(const char *text)
{
	size_t n = 0;

	for (; *text; n++)
		escape_next(&text);
	return n;
}

const char *escape_shorten(char *buf, size_t size, const char *text, size_t characters, size_t tail)
{
	size_t length = length_of(text), n = 0;

	characters = min_of(characters, size / 4 - 1);
	for (size_t i = 0; *text && n + 4 < size; i++) {
		uint32_t c = escape_next(&text);
		bool cut = length > characters && i + 1 >= characters - tail && i < length - tail;

		if (cut && i + 1 > characters - tail)
			continue;
		n += (size_t)encode(cut ? ELLIPSIS : is_control(c) ? ' ' : c, buf + n);
	}
	buf[n] = '\0';
	return buf;
}
