// SPDX-License-Identifier: MIT
/*
 * A strict scanner over a JSON text in memory. It builds nothing: it walks the grammar once, keeps
 * the path of the value it is in, and either tells faults (json_check) or stops at the path it was
 * sent to find (json_locate). Places are byte offsets here and become lines and columns only for
 * what is told, so that a long text in one line costs no more than another.
 */
#include "harness/util/json.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "harness/util/fnv.h"

#define EXACT_MAX    9007199254740992ull /* 2^53 */
#define EXACT_DIGITS 15			 /* as many survive a double (DBL_DIG) */
#define NUMBER_SHOWN 40
#define FOUND	     1
#define NOT_SEEN     SIZE_MAX

/* A key of an object; objects are numbered as they open. */
struct seen {
	uint64_t hash; /* of the object's number and the key; 0: free */
	size_t offset;
};

struct scan {
	const char *text;
	size_t len, at;
	unsigned depth;
	uint64_t objects;
	struct json_path path;

	json_fault_fn fault; /* NULL: locating */
	void *arg;
	bool faulty;
	struct seen *seen; /* open addressing, `room` a power of two */
	size_t n_seen, room;

	const char *wanted;
	bool wanted_key;
	size_t found;
};

/* A key as it is after decoding: the hash of all of it, the beginning for the path. */
struct key {
	uint64_t hash;
	size_t len;
	char text[JSON_KEY_MAX + 4 + 1]; /* json_path_key does the cutting: a character more */
};

static int scan_value(struct scan *s);

static void __attribute__((format(printf, 3, 4)))
tell(struct scan *s, size_t offset, const char *fmt, ...)
{
	char text[ERR_MAX];
	va_list ap;

	s->faulty = true;
	if (!s->fault)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->fault(s->arg, offset, s->path.text, text);
}

/* Broken syntax where the scan stands, in something that began at `opened`. */
static int broken(struct scan *s, size_t opened, const char *what)
{
	struct json_place place = json_place_of(s->text, s->len, opened);
	unsigned char c = (unsigned char)s->text[s->at];

	if (s->at >= s->len)
		tell(s, s->at, "the text ends here: %s (inside what began at %u:%u)", what,
		     place.line, place.column);
	else if (isprint(c))
		tell(s, s->at, "%s, found '%c'", what, c);
	else
		tell(s, s->at, "%s, found byte 0x%02x", what, c);
	return -EILSEQ;
}

static bool next_is(const struct scan *s, char c)
{
	return s->at < s->len && s->text[s->at] == c;
}

static bool next_is_digit(const struct scan *s)
{
	return s->at < s->len && isdigit((unsigned char)s->text[s->at]);
}

static void skip_space(struct scan *s)
{
	while (next_is(s, ' ') || next_is(s, '\n') || next_is(s, '\r') || next_is(s, '\t'))
		s->at++;
}

static void key_add(struct key *key, const void *bytes, size_t n)
{
	key->hash = fnv_bytes(key->hash, bytes, n);
	if (key->len >= JSON_KEY_MAX)
		return;
	memcpy(key->text + key->len, bytes, n);
	key->len += n;
	key->text[key->len] = 0;
}

static void key_add_code(struct key *key, uint32_t code)
{
	unsigned char out[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; code >>= 6)
		out[i] = 0x80 | (code & 0x3f);
	out[0] = (unsigned char)(lead[n] | code);
	key_add(key, out, n);
}

static bool hex4(const struct scan *s, size_t at, uint32_t *ret)
{
	uint32_t code = 0;

	if (at + 4 > s->len)
		return false;
	for (size_t i = at; i < at + 4; i++) {
		int c = tolower((unsigned char)s->text[i]);

		if (!isxdigit(c))
			return false;
		code = code << 4 | (uint32_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	*ret = code;
	return true;
}

/* \uXXXX, after the `u`; a pair of surrogates is one character. */
static int scan_unicode_escape(struct scan *s, struct key *key, size_t opened)
{
	uint32_t code, low;

	if (!hex4(s, s->at, &code))
		return broken(s, opened, "expected four hex digits after \\u");
	if (!code)
		return broken(s, opened, "a NUL character in a text");
	if (code >= 0xdc00 && code <= 0xdfff)
		return broken(s, opened, "half of a surrogate pair");
	s->at += 4;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (!next_is(s, '\\') || s->text[s->at + 1] != 'u' || !hex4(s, s->at + 2, &low) ||
		    low < 0xdc00 || low > 0xdfff)
			return broken(s, opened, "half of a surrogate pair");
		s->at += 6;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	key_add_code(key, code);
	return 0;
}

static int scan_escape(struct scan *s, struct key *key, size_t opened)
{
	static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	s->at++;
	if (next_is(s, 'u')) {
		s->at++;
		return scan_unicode_escape(s, key, opened);
	}
	letter = s->at < s->len && s->text[s->at] ? strchr(letters, s->text[s->at]) : NULL;
	if (!letter)
		return broken(s, opened, "no such escape after \\");
	key_add(key, &meaning[letter - letters], 1);
	s->at++;
	return 0;
}

/* Length of the UTF-8 sequence at p (RFC 3629: no overlong forms, no surrogates); 0: none. */
static size_t utf8_length(const char *text, size_t left)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static int scan_string(struct scan *s, struct key *key)
{
	size_t opened = s->at++, n;
	int rc;

	while (!next_is(s, '"')) {
		unsigned char c = (unsigned char)s->text[s->at];

		if (s->at >= s->len || c < 0x20)
			return broken(s, opened, "expected a closing quote");
		if (c == '\\') {
			rc = scan_escape(s, key, opened);
			if (rc)
				return rc;
			continue;
		}
		n = c < 0x80 ? 1 : utf8_length(s->text + s->at, s->len - s->at);
		if (!n)
			return broken(s, opened, "expected UTF-8");
		key_add(key, s->text + s->at, n);
		s->at += n;
	}
	s->at++;
	return 0;
}

static int digits(struct scan *s, size_t opened)
{
	if (!next_is_digit(s))
		return broken(s, opened, "expected a digit");
	while (next_is_digit(s))
		s->at++;
	return 0;
}

/* Would a double hold it as it is written? */
static void check_exact(struct scan *s, size_t start, bool whole)
{
	int shown = (int)min_of(s->at - start, (size_t)NUMBER_SHOWN);
	const char *token = s->text + start, *dots = s->at - start > NUMBER_SHOWN ? "..." : "";
	size_t significant = 0;
	double value;

	for (const char *p = token; p < s->text + s->at && *p != 'e' && *p != 'E'; p++)
		if (isdigit((unsigned char)*p) && (significant || *p != '0'))
			significant++;
	errno = 0;
	value = strtod(token, NULL);
	if (errno == ERANGE || !isfinite(value)) {
		tell(s, start, "%.*s%s is out of range", shown, token, dots);
		return;
	}
	if (fabs(value) > (double)EXACT_MAX ||
	    (whole && significant > EXACT_DIGITS &&
	     strtoull(token + (*token == '-'), NULL, 10) > EXACT_MAX))
		tell(s, start, "%.*s%s is beyond 2^53, where numbers are no longer exact", shown,
		     token, dots);
	else if (!whole && significant > EXACT_DIGITS)
		tell(s, start, "%.*s%s has more than %d digits and would be rounded", shown, token,
		     dots, EXACT_DIGITS);
}

static int scan_number(struct scan *s)
{
	size_t start = s->at;
	bool whole = true;
	int rc = 0;

	if (next_is(s, '-'))
		s->at++;
	if (next_is(s, '0'))
		s->at++;
	else
		rc = digits(s, start);
	if (!rc && next_is(s, '.')) {
		whole = false;
		s->at++;
		rc = digits(s, start);
	}
	if (!rc && (next_is(s, 'e') || next_is(s, 'E'))) {
		whole = false;
		s->at++;
		if (next_is(s, '+') || next_is(s, '-'))
			s->at++;
		rc = digits(s, start);
	}
	if (rc)
		return rc;
	if (s->at < s->len && isalnum((unsigned char)s->text[s->at]))
		return broken(s, start, "not a number (with a unit it needs quotes)");
	if (s->fault)
		check_exact(s, start, whole);
	return 0;
}

static int scan_word(struct scan *s, const char *word)
{
	for (size_t i = 0; word[i]; i++, s->at++)
		if (!next_is(s, word[i]))
			return broken(s, s->at - i, "expected true, false or null");
	return 0;
}

static int seen_grow(struct scan *s)
{
	size_t room = s->room ? 2 * s->room : 64;
	struct seen *seen = calloc(room, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < s->room; i++) {
		size_t j = s->seen[i].hash & (room - 1);

		if (!s->seen[i].hash)
			continue;
		while (seen[j].hash)
			j = (j + 1) & (room - 1);
		seen[j] = s->seen[i];
	}
	free(s->seen);
	s->seen = seen;
	s->room = room;
	return 0;
}

static int check_duplicate(struct scan *s, uint64_t object, const struct key *key, size_t offset)
{
	uint64_t hash = fnv_bytes(key->hash, &object, sizeof(object)) | 1;
	size_t i;

	if (2 * s->n_seen >= s->room && seen_grow(s) < 0)
		return -ENOMEM;
	for (i = hash & (s->room - 1); s->seen[i].hash; i = (i + 1) & (s->room - 1)) {
		struct json_place first;

		if (s->seen[i].hash != hash)
			continue;
		first = json_place_of(s->text, s->len, s->seen[i].offset);
		tell(s, offset, "this key was given before, at %u:%u", first.line, first.column);
		return 0;
	}
	s->seen[i] = (struct seen){hash, offset};
	s->n_seen++;
	return 0;
}

static bool after_comma(const struct scan *s)
{
	size_t at = s->at;

	while (at > 0 && strchr(" \n\r\t", s->text[at - 1]))
		at--;
	return at > 0 && s->text[at - 1] == ',';
}

/* broken() where something should begin or end: other languages have what JSON has not. */
static int expected(struct scan *s, size_t opened, const char *what)
{
	if (next_is(s, '\''))
		what = "strings take double quotes";
	else if (next_is(s, '/') || next_is(s, '#'))
		what = "JSON has no comments";
	else if ((next_is(s, ']') || next_is(s, '}')) && after_comma(s))
		what = "trailing comma: nothing follows it";
	return broken(s, opened, what);
}

static int scan_member(struct scan *s, size_t opened, uint64_t object)
{
	struct key key = {.hash = FNV_START};
	size_t offset, len = s->path.len;
	int rc;

	skip_space(s);
	if (!next_is(s, '"'))
		return expected(s, opened, "expected a key in quotes");
	offset = s->at;
	rc = scan_string(s, &key);
	if (rc)
		return rc;
	json_path_key(&s->path, key.text);
	if (s->wanted && s->wanted_key && !strcmp(s->path.text, s->wanted)) {
		s->found = offset;
		return FOUND;
	}
	rc = s->fault ? check_duplicate(s, object, &key, offset) : 0;
	skip_space(s);
	if (!rc && !next_is(s, ':'))
		return expected(s, opened, "expected ':' after the key");
	s->at++;
	if (!rc)
		rc = scan_value(s);
	json_path_cut(&s->path, len);
	return rc;
}

static int scan_element(struct scan *s, size_t index)
{
	size_t len = s->path.len;
	int rc;

	json_path_index(&s->path, index);
	rc = scan_value(s);
	json_path_cut(&s->path, len);
	return rc;
}

/* An object or a list, by its closing bracket. */
static int scan_container(struct scan *s, char closing)
{
	size_t opened = s->at, n = 0;
	uint64_t object = ++s->objects;
	int rc;

	if (++s->depth > JSON_DEPTH_MAX)
		return broken(s, opened, "nested too deeply (32 levels are the limit)");
	s->at++;
	skip_space(s);
	while (n || !next_is(s, closing)) {
		rc = closing == '}' ? scan_member(s, opened, object) : scan_element(s, n);
		if (rc)
			return rc;
		n++;
		skip_space(s);
		if (next_is(s, closing))
			break;
		if (!next_is(s, ','))
			return expected(s, opened,
					closing == '}' ? "expected ',' or '}'"
						       : "expected ',' or ']'");
		s->at++;
	}
	s->at++;
	s->depth--;
	return 0;
}

static int scan_value(struct scan *s)
{
	struct key ignored = {.hash = FNV_START};

	skip_space(s);
	if (s->wanted && !s->wanted_key && !strcmp(s->path.text, s->wanted)) {
		s->found = s->at;
		return FOUND;
	}
	switch (s->at < s->len ? s->text[s->at] : 0) {
	case '{':
		return scan_container(s, '}');
	case '[':
		return scan_container(s, ']');
	case '"':
		return scan_string(s, &ignored);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		if (next_is(s, '-') || next_is_digit(s))
			return scan_number(s);
		return expected(s, s->at, "expected a value");
	}
}

int json_check(const char *text, size_t len, json_fault_fn fault, void *arg)
{
	struct scan s = {.text = text, .len = len, .fault = fault, .arg = arg};
	int rc;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		tell(&s, 0, "the text starts with a byte order mark; save it without one");
		return -EILSEQ;
	}
	rc = scan_value(&s);
	skip_space(&s);
	if (!rc && s.at < s.len)
		rc = expected(&s, s.at, "nothing may follow the value");
	free(s.seen);
	if (rc)
		return rc;
	return s.faulty ? -EBADMSG : 0;
}

bool json_locate(const char *text, size_t len, const char *path, bool key, size_t *ret_offset)
{
	struct scan s = {.text = text, .len = len, .wanted = path, .wanted_key = key};

	if (scan_value(&s) != FOUND)
		return false;
	*ret_offset = s.found;
	return true;
}
