// SPDX-License-Identifier: MIT
/*
 * One pass over the text, one state: between words, or inside one and maybe inside quotes. A word
 * grows in a buffer of its own, so that "" and '' make empty words and a value is never looked at
 * again once it is filled in.
 */
#include "workloads/command_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/util/cleanup.h"

#define NAME_MAX_LEN 31

struct splitter {
	const char *text, *at;
	command_value_fn value;
	void *arg;
	struct err *err;
	FILE *word; /* the one that is open; NULL between words */
	char *word_text;
	size_t word_len;
	char **words;
	size_t n;
};

static int wrong(const struct splitter *s, const char *at, const char *what)
{
	return err_set(s->err, -EINVAL, "character %zu: %s", (size_t)(at - s->text) + 1, what);
}

static int open_word(struct splitter *s)
{
	if (!s->word)
		s->word = open_memstream(&s->word_text, &s->word_len);
	return s->word ? 0 : err_sys(s->err, -ENOMEM, "words");
}

static int close_word(struct splitter *s)
{
	char **bigger;

	if (!s->word)
		return 0;
	fclose(s->word);
	s->word = NULL;
	bigger = realloc(s->words, (s->n + 2) * sizeof(*bigger));
	if (!bigger || !s->word_text)
		return err_sys(s->err, -ENOMEM, "words");
	s->words = bigger;
	s->words[s->n++] = take_ptr(s->word_text);
	s->words[s->n] = NULL;
	return 0;
}

/* At "${": writes the value and steps behind the closing brace. */
static int value_at(const char **at, const char *text, command_value_fn value, void *arg, FILE *out,
		    struct err *err)
{
	char name[NAME_MAX_LEN + 1], filled[COMMAND_VALUE_MAX];
	const char *from = *at + 2;
	size_t column = (size_t)(*at - text) + 1, len = strcspn(from, "}");
	int r;

	if (!from[len])
		return err_set(err, -EINVAL, "character %zu: this ${ has no }", column);
	if (!len || len > NAME_MAX_LEN)
		return err_set(err, -EINVAL, "character %zu: no name of a value stands in this ${}",
			       column);
	memcpy(name, from, len);
	name[len] = 0;
	r = value(arg, name, filled, err);
	if (r)
		return err_wrap(err, r, "character %zu", column);
	fputs(filled, out);
	*at = from + len + 1;
	return 0;
}

static int put_value(struct splitter *s)
{
	return value_at(&s->at, s->text, s->value, s->arg, s->word, s->err);
}

/* Whoever writes the name of a value means the value: a shell would make nothing of it. */
static int check_literal(const struct splitter *s)
{
	char name[NAME_MAX_LEN + 1], filled[COMMAND_VALUE_MAX];
	size_t len = strcspn(s->at + 2, "}'");
	struct err unknown;

	if (s->at[2 + len] != '}' || len > NAME_MAX_LEN)
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len, s->at + 2);
	if (s->value(s->arg, name, filled, &unknown))
		return 0;
	return err_set(s->err, -EINVAL,
		       "character %zu: ${%s} is not filled in inside of '': use \"\", and write "
		       "\\${%s} there if it is meant as it stands",
		       (size_t)(s->at - s->text) + 1, name, name);
}

static int single_quotes(struct splitter *s)
{
	const char *open = s->at++;
	int r;

	while (*s->at && *s->at != '\'') {
		r = s->at[0] == '$' && s->at[1] == '{' ? check_literal(s) : 0;
		if (r)
			return r;
		fputc(*s->at++, s->word);
	}
	if (!*s->at)
		return wrong(s, open, "this ' is never closed");
	s->at++;
	return 0;
}

static int double_quotes(struct splitter *s)
{
	const char *open = s->at++;
	int r = 0;

	while (!r && *s->at && *s->at != '"') {
		if (s->at[0] == '$' && s->at[1] == '{') {
			r = put_value(s);
			continue;
		}
		if (s->at[0] == '\\' && s->at[1] && strchr("\"\\$", s->at[1]))
			s->at++;
		fputc(*s->at++, s->word);
	}
	if (r)
		return r;
	if (!*s->at)
		return wrong(s, open, "this \" is never closed");
	s->at++;
	return 0;
}

static int one_step(struct splitter *s)
{
	int r;

	if (isspace((unsigned char)*s->at)) {
		s->at++;
		return close_word(s);
	}
	r = open_word(s);
	if (r)
		return r;
	if (*s->at == '\'')
		return single_quotes(s);
	if (*s->at == '"')
		return double_quotes(s);
	if (s->at[0] == '$' && s->at[1] == '{')
		return put_value(s);
	if (*s->at == '\\') {
		if (!s->at[1])
			return wrong(s, s->at, "nothing follows this \\");
		s->at++;
	}
	fputc(*s->at++, s->word);
	return 0;
}

int command_words(const char *text, command_value_fn value, void *arg, char ***ret, struct err *err)
{
	struct splitter s = {.text = text, .at = text, .value = value, .arg = arg, .err = err};
	int r = 0;

	s.words = calloc(1, sizeof(*s.words));
	if (!s.words)
		return err_sys(err, -ENOMEM, "words");
	while (!r && *s.at)
		r = one_step(&s);
	if (!r)
		r = close_word(&s);
	if (s.word)
		fclose(s.word);
	if (r) {
		free(s.word_text);
		command_words_free(s.words);
		return r;
	}
	*ret = s.words;
	return 0;
}

void command_words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

int command_fill(const char *text, command_value_fn value, void *arg, char *ret, size_t size,
		 struct err *err)
{
	_cleanup_free_ char *filled = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&filled, &len);
	const char *at = text;
	int r = 0;

	if (!out)
		return err_sys(err, -ENOMEM, "values");
	while (!r && *at) {
		if (at[0] == '$' && at[1] == '{')
			r = value_at(&at, text, value, arg, out, err);
		else
			fputc(*at++, out);
	}
	fclose(out);
	if (!r && len >= size)
		r = err_set(err, -EINVAL, "filled in, it is longer than %zu bytes", size - 1);
	if (!r)
		memcpy(ret, filled, len + 1);
	return r;
}
