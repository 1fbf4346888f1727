// SPDX-License-Identifier: MIT
/*
 * Reads a command line that is meant for the guest. A word that names a file here, alone or behind
 * "--option=", is taken for one that the command will read; a folder only when it holds results,
 * since the word "build" is more often a word than a folder to be carried along.
 */
#include "harness/cli/vm_command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/verb.h"
#include "harness/session/store.h"
#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "harness/util/json.h"
#include "harness/util/nearest.h"
#include "harness/vm/busybox.h"
#include "harness/vm/path.h"
#include "harness/vm/tool.h"

#define SELF "/bin/uhbench" /* in the guest */

static bool is_results(const char *folder)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/manifest.json", folder) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

/* Does a word name something that the guest has to have? */
static bool goes_in(const char *word)
{
	char inside[PATH_MAX];
	struct stat st;

	if (stat(word, &st) || path_inside(word, inside, sizeof(inside), NULL))
		return false;
	return S_ISREG(st.st_mode) || (S_ISDIR(st.st_mode) && is_results(word));
}

static void add_named(struct vm_command *c, const char *word)
{
	const char *value = word[0] == '-' ? strchr(word, '=') : NULL;

	value = value ? value + 1 : word;
	if (goes_in(value))
		c->add[c->n_add++] = value;
}

/* "-o X", "-oX", "--out X", "--out=X", and what --resume names. NULL: none in these words. */
static const char *out_of(char **words)
{
	static const char *const names[] = {"--out", "--resume", "-o"};
	const char *out = NULL;

	for (unsigned i = 1; words[i] && strcmp(words[i], "--"); i++)
		for (size_t k = 0; k < array_size(names); k++) {
			size_t n = strlen(names[k]);

			if (!strcmp(words[i], names[k]))
				out = words[i + 1];
			else if (!strncmp(words[i], names[k], n) &&
				 (names[k][1] != '-' || words[i][n] == '='))
				out = words[i] + n + (words[i][n] == '=');
		}
	return out;
}

/* Is there a key "probes" in it? */
static bool has_probes(const char *json)
{
	while ((json = strstr(json, "\"probes\""))) {
		json += strlen("\"probes\"");
		if (json[strspn(json, " \t\n\r")] == ':')
			return true;
	}
	return false;
}

/* Does a word, or two, ask for probes, or name a matrix that does? */
static bool asks_for_probes(const char *word, const char *next)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;

	if (!strcmp(word, "--probes"))
		return next && strcmp(next, "none") != 0;
	if (!strncmp(word, "--probes=", 9))
		return strcmp(word + 9, "none") != 0;
	if (!goes_in(word))
		return false;
	fd = open(word, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && !fs_read_all(fd, JSON_BYTES_MAX, &text, NULL) && has_probes(text);
}

/* Alone, or with a value behind "=". */
static bool has_word(char **words, const char *word)
{
	size_t n = strlen(word);

	for (unsigned i = 1; words[i] && strcmp(words[i], "--"); i++)
		if (!strncmp(words[i], word, n) && (!words[i][n] || words[i][n] == '='))
			return true;
	return false;
}

static int make_verb(const struct verb *verb, char **words, struct vm_command *c, struct err *err)
{
	bool run = !strcmp(verb->name, "run") && !has_word(words, "--dry-run") &&
		   !has_word(words, "--help") && !has_word(words, "-h");
	bool resume = has_word(words, "--resume");
	const char *out = out_of(words);
	int r;

	if (verb->hidden || !strcmp(verb->name, "vm"))
		return err_set(err, -EINVAL, "%s does not run in a guest", verb->name);
	for (unsigned i = 1; words[i]; i++)
		if (!strcmp(words[i], "-"))
			return err_set(err, -EINVAL,
				       "\"-\": the guest's stdin is empty; name a file");
	if (!out && run)
		out = "results";
	r = run && !resume ? store_refuse_existing(out, err) : 0;
	if (r)
		return r;
	c->probes = !strcmp(verb->name, "hunt");
	for (unsigned i = 1; words[i] && !c->probes; i++)
		c->probes = asks_for_probes(words[i], words[i + 1]);
	if (out)
		c->back[c->n_back++] = out;
	c->words[0] = (char *)SELF;
	memcpy(c->words + 1, words, VM_WORDS_MAX * sizeof(*words));
	return 0;
}

static int no_program(const char *name, struct err *err)
{
	struct nearest n = nearest_to(name);
	char hint[NEAREST_HINT_MAX];

	for (size_t i = 0; verb_table[i]; i++)
		if (!verb_table[i]->hidden)
			nearest_offer(&n, verb_table[i]->name);
	return err_set(err, -EINVAL,
		       "\"%s\" is neither a verb of uhbench, nor one of busybox, nor a program "
		       "here%s",
		       name, nearest_hint(&n, hint));
}

static int make_program(char **words, struct vm_command *c, struct err *err)
{
	int r = strchr(words[0], '/') ? 0 : busybox_has(words[0], err);

	if (r < 0)
		return r;
	memcpy(c->words, words, VM_WORDS_MAX * sizeof(*words));
	if (r)
		return 0;
	if (tool_find(words[0], c->program, sizeof(c->program)))
		return no_program(words[0], err);
	c->words[0] = c->program;
	if (goes_in(c->program))
		c->add[c->n_add++] = c->program;
	return 0;
}

int vm_command_make(char **words, const struct option_words *add, const struct option_words *back,
		    struct vm_command *ret, struct err *err)
{
	const struct verb *verb = verb_find(words[0]);
	char *own[VM_WORDS_MAX] = {NULL};
	unsigned n = 0;
	int r;

	for (; words[n] && n < VM_WORDS_MAX - 1; n++)
		own[n] = words[n];
	if (words[n])
		return err_set(err, -EINVAL, "the command has more than %d words",
			       VM_WORDS_MAX - 1);
	for (unsigned i = 0; i < add->n; i++)
		ret->add[ret->n_add++] = add->words[i];
	for (unsigned i = 0; i < back->n; i++)
		ret->back[ret->n_back++] = back->words[i];
	r = verb ? make_verb(verb, own, ret, err) : make_program(own, ret, err);
	for (unsigned i = 1; i < n && !r; i++)
		add_named(ret, own[i]);
	return r;
}
