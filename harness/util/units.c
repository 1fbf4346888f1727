// SPDX-License-Identifier: MIT
/*
 * Numbers with units, exactly: digits are kept as an integer and a power of ten and multiplied by
 * the unit in 128 bits, so that no double rounds "0.1s" and no overflow wraps. Formatting is the
 * inverse: what units_format_* writes parses back to the same value.
 */
#include "harness/util/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "harness/util/nsec.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"", 1},	   {"k", 1ull << 10}, {"M", 1ull << 20},
	{"G", 1ull << 30}, {"T", 1ull << 40}, {NULL, 0},
};

static const struct unit rate_units[] = {
	{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {NULL, 0},
};

static const struct unit time_units[] = {
	{"ns", 1},
	{"us", NSEC_PER_USEC},
	{"ms", NSEC_PER_MSEC},
	{"s", NSEC_PER_SEC},
	{"min", 60 * NSEC_PER_SEC},
	{"m", 60 * NSEC_PER_SEC},
	{"h", 3600 * NSEC_PER_SEC},
	{NULL, 0},
};

/* Reads "12.5": the digits as one integer and how many of them follow the point. */
static int parse_digits(const char **text, uint64_t *ret_digits, uint64_t *ret_divisor)
{
	uint64_t digits = 0, divisor = 1;
	bool point = false, any = false;
	const char *p = *text;

	for (; isdigit((unsigned char)*p) || (*p == '.' && !point && any); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		any = true;
		if (digits > UINT64_MAX / 10 - 1 || divisor > UINT64_MAX / 10)
			return -ERANGE;
		digits = digits * 10 + (uint64_t)(*p - '0');
		divisor *= point ? 10 : 1;
	}
	if (!any || p[-1] == '.')
		return -EINVAL;
	*text = p;
	*ret_digits = digits;
	*ret_divisor = divisor;
	return 0;
}

static int parse_scaled(const char *text, const struct unit *units, uint64_t *ret)
{
	uint64_t digits, divisor;
	unsigned __int128 scaled;
	int rc = parse_digits(&text, &digits, &divisor);

	if (rc < 0)
		return rc;
	while (units->suffix && strcmp(units->suffix, text))
		units++;
	if (!units->suffix)
		return -EINVAL;
	scaled = (unsigned __int128)digits * units->factor;
	if (scaled % divisor || scaled / divisor > UNITS_MAX)
		return -ERANGE;
	*ret = (uint64_t)(scaled / divisor);
	return 0;
}

int units_parse_uint(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

/* "64KiB" is "64k": the letter alone decides, in either case for k, and the rest is for the eye. */
static int plain_unit(const char *text, bool binary, char buf[static UNITS_TEXT_MAX])
{
	size_t n = strspn(text, "0123456789."), len = strlen(text);

	if (len >= UNITS_TEXT_MAX)
		return n == len ? -ERANGE : -EINVAL;
	strcpy(buf, text);
	if (binary && len > n && buf[len - 1] == 'B')
		buf[--len] = 0;
	if (binary && len > n + 1 && buf[len - 1] == 'i')
		buf[--len] = 0;
	if (buf[n] == 'K')
		buf[n] = 'k';
	return 0;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	char plain[UNITS_TEXT_MAX];
	int rc = plain_unit(text, true, plain);

	return rc ? rc : parse_scaled(plain, size_units, ret_bytes);
}

int units_parse_rate(const char *text, uint64_t *ret)
{
	char plain[UNITS_TEXT_MAX];
	int rc = plain_unit(text, false, plain);

	return rc ? rc : parse_scaled(plain, rate_units, ret);
}

int units_parse_time(const char *text, uint64_t *ret_ns)
{
	if (!strcmp(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	return parse_scaled(text, time_units, ret_ns);
}

/* The largest unit that leaves a whole number. */
static const char *format_scaled(uint64_t value, const struct unit *units, char *buf)
{
	while (value && units[1].suffix && value % units[1].factor == 0)
		units++;
	snprintf(buf, UNITS_TEXT_MAX, "%" PRIu64 "%s", value / units->factor, units->suffix);
	return buf;
}

const char *units_format_size(uint64_t bytes, char buf[static UNITS_TEXT_MAX])
{
	return format_scaled(bytes, size_units, buf);
}

const char *units_format_rate(uint64_t per_s, char buf[static UNITS_TEXT_MAX])
{
	return format_scaled(per_s, rate_units, buf);
}

const char *units_format_time(uint64_t ns, char buf[static UNITS_TEXT_MAX])
{
	const struct unit *unit = &time_units[0];
	unsigned billionths;
	char tail[11];
	size_t digits;

	if (!ns)
		return strcpy(buf, "0");
	while (unit->factor < NSEC_PER_SEC && ns >= unit[1].factor)
		unit++;
	/* Exact: every factor up to seconds divides 10^9. */
	billionths = (unsigned)(ns % unit->factor * (NSEC_PER_SEC / unit->factor));
	snprintf(tail, sizeof(tail), "%09u", billionths);
	for (digits = strlen(tail); digits && tail[digits - 1] == '0'; digits--)
		tail[digits - 1] = 0;
	snprintf(buf, UNITS_TEXT_MAX, "%" PRIu64 "%s%s%s", ns / unit->factor, digits ? "." : "",
		 tail, unit->suffix);
	return buf;
}
