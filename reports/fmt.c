// SPDX-License-Identifier: MIT
/* Figures for people; machines are served by csv, json and hdr, which round nothing. */
#include "reports/fmt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Three significant digits (two below 1), but never an exponent, never fewer than all digits before
 * the point, and no more than four behind it. */
static int digits_for(double v)
{
	double a = fabs(v);

	if (a >= 99.95)
		return 0;
	if (a >= 9.995)
		return 1;
	if (a >= 0.0995)
		return 2;
	return a >= 0.00995 ? 3 : 4;
}

/* Divides by `base` until the value is below 1000 (so that "999.7" does not become "1000"). */
static const char *scale(double *v, double base, const char *const *names, unsigned n)
{
	unsigned i = 0;

	while (fabs(*v) >= 999.5 && i + 1 < n) {
		*v /= base;
		i++;
	}
	return names[i];
}

static const char *print(char buf[FMT_MAX], double v, bool whole, const char *gap,
			 const char *suffix)
{
	snprintf(buf, FMT_MAX, "%.*f%s%s", whole ? 0 : digits_for(v), v, gap, suffix);
	return buf;
}

const char *fmt_count(char buf[FMT_MAX], double v)
{
	static const char *const names[] = {"", "k", "M", "G", "T", "P"};
	bool whole = v == floor(v) && fabs(v) < 999.5;
	const char *suffix;

	if (!isfinite(v))
		return strcpy(buf, "-");
	suffix = scale(&v, 1000, names, 6);
	return print(buf, v, whole, "", suffix);
}

static const char *fmt_time(char buf[FMT_MAX], double ns, bool utf8)
{
	const char *const names[] = {"ns", utf8 ? "µs" : "us", "ms", "s"};
	bool whole = ns == floor(ns) && fabs(ns) < 999.5;
	const char *unit = scale(&ns, 1000, names, 4);

	return print(buf, ns, whole, " ", unit);
}

static const char *fmt_bytes(char buf[FMT_MAX], double v)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	bool whole = v == floor(v) && fabs(v) < 999.5;
	const char *unit = scale(&v, 1024, names, 5);

	return print(buf, v, whole, " ", unit);
}

const char *fmt_value(char buf[FMT_MAX], double v, const char *unit, bool utf8)
{
	char number[FMT_MAX];

	if (!isfinite(v))
		return strcpy(buf, "-");
	if (!strcmp(unit, "ns"))
		return fmt_time(buf, v, utf8);
	if (!strcmp(unit, "bytes"))
		return fmt_bytes(buf, v);
	fmt_count(number, v);
	if (!strcmp(unit, "1/s"))
		snprintf(buf, FMT_MAX, "%.20s/s", number);
	else if (!*unit || !strcmp(unit, "1"))
		snprintf(buf, FMT_MAX, "%.20s", number);
	else
		snprintf(buf, FMT_MAX, "%.20s %.12s", number, unit);
	return buf;
}

const char *fmt_percent(char buf[FMT_MAX], double fraction, bool sign)
{
	double percent = fraction * 100, size = fabs(percent);
	int digits = size >= 9.95 ? 0 : size >= 0.0995 || size < 0.005 ? 1 : 2;

	if (!isfinite(fraction))
		return strcpy(buf, "-");
	if (size < 0.005) /* no "-0.0" */
		percent = 0;
	snprintf(buf, FMT_MAX, sign && percent != 0 ? "%+.*f %%" : "%.*f %%", digits, percent);
	return buf;
}

const char *fmt_span(char buf[FMT_MAX], double seconds)
{
	long s = lround(seconds);

	if (seconds < 9.95)
		snprintf(buf, FMT_MAX, "%.1f s", seconds);
	else if (s < 60)
		snprintf(buf, FMT_MAX, "%ld s", s);
	else if (s < 3600)
		snprintf(buf, FMT_MAX, "%ld min %ld s", s / 60, s % 60);
	else
		snprintf(buf, FMT_MAX, "%ld h %ld min", s / 3600, s % 3600 / 60);
	return buf;
}

/* How many bytes of 0x80 to 0xbf belong to the character that begins so. */
static unsigned more_bytes(unsigned char c)
{
	return c < 0xc2 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : 0;
}

const char *fmt_safe(char *buf, size_t size, const char *text)
{
	unsigned more = 0; /* bytes of a character that are still to come */
	size_t n = 0;

	for (; *text && n + 1 < size; text++) {
		unsigned char c = (unsigned char)*text;
		bool inside = more && (c & 0xc0) == 0x80;
		bool c1 = c == 0xc2 && (unsigned char)text[1] >= 0x80 &&
			  (unsigned char)text[1] < 0xa0;
		/* Alone these are control characters to a terminal that takes bytes. */
		bool alone = !inside && c >= 0x80 && c < 0xa0;

		more = inside ? more - 1 : c1 ? 0 : more_bytes(c);
		text += c1;
		buf[n++] = c < 0x20 || c == 0x7f || c1 || alone ? ' ' : *text;
	}
	buf[n] = '\0';
	return buf;
}

char *fmt_trim(char *figure)
{
	size_t end = strspn(figure, "0123456789."), keep = end;

	if (!memchr(figure, '.', end))
		return figure;
	while (figure[keep - 1] == '0')
		keep--;
	keep -= figure[keep - 1] == '.';
	memmove(figure + keep, figure + end, strlen(figure + end) + 1);
	return figure;
}
