// SPDX-License-Identifier: MIT
/*
 * gnuplot as a program: one process draws every picture of a report into a scratch folder. Its SVG
 * is cleaned on the way into the page: place-holder colours become CSS variables (so that dark mode
 * works), the symbols that each picture repeats are left out (the page has them once), and so are
 * the empty groups, which are a third of the bytes.
 */
#include "reports/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/util/cleanup.h"
#include "harness/util/fs.h"
#include "reports/assets.h"
#include "reports/fmt.h"
#include "reports/html.h"
#include "reports/plot.h"

extern char **environ;

struct plot {
	char dir[PATH_MAX - 64];
	FILE *script;
	unsigned n;
};

struct template
{
	const char *name, *text;
};

static const struct template templates[] = {
	{"style", asset_style_gp},	   {"throughput", asset_throughput_gp},
	{"latency", asset_latency_gp},	   {"percentile", asset_percentile_gp},
	{"histogram", asset_histogram_gp}, {"trend", asset_trend_gp},
};

static FILE *open_in(const struct plot *p, const char *name, const char *suffix, const char *mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s%s", p->dir, name, suffix);
	return fopen(path, mode);
}

static int write_templates(struct plot *p)
{
	for (size_t i = 0; i < array_size(templates); i++) {
		FILE *f = open_in(p, templates[i].name, ".gp", "we");

		if (!f)
			return -errno;
		fputs(templates[i].text, f);
		if (fclose(f))
			return -errno;
	}
	p->script = open_in(p, "main", ".gp", "we");
	return p->script ? 0 : -errno;
}

int plot_open(struct plot **ret, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	struct plot *p = calloc(1, sizeof(*p));
	int code;

	if (!p)
		return err_sys(err, -ENOMEM, "plots");
	snprintf(p->dir, sizeof(p->dir), "%s/uhbench-plots-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(p->dir)) {
		code = err_sys(err, -errno, "%s", p->dir);
		free(p);
		return code;
	}
	code = write_templates(p);
	if (code) {
		err_sys(err, code, "%s", p->dir);
		plot_close(p);
		return code;
	}
	*ret = p;
	return 0;
}

void plot_close(struct plot *p)
{
	if (!p)
		return;
	if (p->script)
		fclose(p->script);
	fs_remove_tree(p->dir);
	free(p);
}

unsigned plot_add(struct plot *p)
{
	fprintf(p->script, "load 'style.gp'\nset output '%u.svg'\n", ++p->n);
	return p->n;
}

FILE *plot_script(struct plot *p)
{
	return p->script;
}

void plot_text(struct plot *p, const char *text)
{
	fputc('\'', p->script);
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || strchr("'`\\%", *text) ? '?' : *text,
		      p->script);
	fputc('\'', p->script);
}

void plot_draw(struct plot *p, const char *template)
{
	fprintf(p->script, "load '%s.gp'\n", template);
}

static int spawn_gnuplot(const struct plot *p, pid_t *ret)
{
	char *const argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, (char[]){"main.gp"}, NULL};
	posix_spawn_file_actions_t actions;
	int code = posix_spawn_file_actions_init(&actions);

	if (code)
		return -code;
	code = posix_spawn_file_actions_addchdir_np(&actions, p->dir);
	code = code ? code
		    : posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
						       O_RDONLY, 0);
	code = code ? code
		    : posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "log",
						       O_WRONLY | O_CREAT | O_TRUNC, 0600);
	code = code ? code
		    : posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	code = code ? code : posix_spawnp(ret, "gnuplot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -code;
}

/* The last thing gnuplot said that is not blank: its errors end with the reason. */
static void last_words(const struct plot *p, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = open_in(p, "log", "", "re");
	char line[200];

	snprintf(buf, size, "no message");
	while (f && fgets(line, sizeof(line), f))
		if (line[strspn(line, " \t\r\n^")])
			fmt_safe(buf, size, line);
}

int plot_run(struct plot *p, struct err *err)
{
	char words[200];
	pid_t pid;
	int status, code = 0;

	if (fclose(p->script))
		code = -errno;
	p->script = NULL;
	if (code)
		return err_sys(err, code, "%s/main.gp", p->dir);
	code = spawn_gnuplot(p, &pid);
	if (code == -ENOENT)
		return err_set(
			err, code,
			"gnuplot is not there: install the package gnuplot-nox, or leave the "
			"pictures out with --no-plots");
	if (code)
		return err_sys(err, code, "gnuplot");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "gnuplot");
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		last_words(p, words, sizeof(words));
		return err_set(err, -EIO, "gnuplot failed: %s", words);
	}
	return 0;
}

/* Copies a line, rgb(254, 0, N) replaced by the page's variable. */
static void put_line(const char *line, FILE *out)
{
	static const char *const names[] = {"axis", "grid", "text", "soft"};
	const char *at;
	int number, used;

	while ((at = strstr(line, "rgb(254,"))) {
		if (sscanf(at, "rgb(254, 0, %d)%n", &number, &used) != 1)
			break;
		fwrite(line, 1, (size_t)(at - line), out);
		if (number >= 16 && number < 20)
			fprintf(out, "var(--%s)", names[number - 16]);
		else
			fprintf(out, "var(--s%d)", number);
		line = at + used;
	}
	fputs(line, out);
}

/* Everything after gnuplot's own head and symbols. */
static void put_body(FILE *svg, FILE *out)
{
	_cleanup_free_ char *line = NULL, *group = NULL;
	size_t size = 0;
	bool body = false;

	while (getline(&line, &size, svg) > 0) {
		if (!body) {
			body = strstr(line, "</defs>") != NULL;
			continue;
		}
		if (group && !strncmp(line, "</g>", 4)) { /* an empty group */
			free(take_ptr(group));
			continue;
		}
		if (group)
			put_line(group, out);
		free(take_ptr(group));
		if (strstr(line, "<g id=\"gnuplot_plot_")) /* its <title> would pop up as a tip */
			fputs("<g>\n", out);
		else if (!strncmp(line, "<g fill=\"none\"", 14) && line[strlen(line) - 2] == '>')
			group = strdup(line);
		else
			put_line(line, out);
	}
}

int plot_inline(struct plot *p, unsigned number, const char *label, FILE *out, struct err *err)
{
	char name[24];
	_cleanup_fclose_ FILE *svg = NULL;

	snprintf(name, sizeof(name), "%u", number);
	svg = open_in(p, name, ".svg", "re");
	if (!svg)
		return err_sys(err, -errno, "%s/%s.svg", p->dir, name);
	fputs("<svg viewBox=\"0 0 460 290\" role=\"img\" aria-label=\"", out);
	html_text(out, label);
	fputs("\"><g>\n", out);
	put_body(svg, out);
	return 0;
}
