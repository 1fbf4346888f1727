/* SPDX-License-Identifier: MIT */
/*
 * The page, in parts: html.c puts it together, html_table.c and html_tail.c write sections. All
 * text that comes from records goes through html_text.
 */
#pragma once

#include <stdio.h>

#include "reports/group.h"
#include "reports/pictures.h"

struct section { /* one workload */
	const struct group *group;
	unsigned *series; /* [n_targets]: colour of each target, 0 to 7 */
	struct pictures pictures;
};

struct page {
	struct summary *summary;
	const struct groups *groups;
	struct section *sections; /* [groups->n] */
	struct plot *plot;	  /* NULL = without pictures */
	unsigned frames;	  /* most of each flame graph */
	FILE *out;
	struct err *err;
};

/* Writes text with everything escaped that HTML or an attribute could take for its own. */
void html_text(FILE *out, const char *text);
/* A name such as syscalls_per_op, with blanks for people. */
void html_name(FILE *out, const char *name);
/* The same for something printed. */
void html_printf(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void html_table(const struct page *page, const struct section *section);
/* Is the cell one of those that can be folded out? */
bool html_has_cell(const struct section *section, size_t cell);
/* html_evidence.c: what the cells' figures are made of. html_detail.c: one cell's own tables. */
int html_evidence(const struct page *page, const struct section *section);
void html_stage_bars(const struct page *page, const struct section *section);
void html_details(FILE *out, const struct cell_sum *cell);
int html_figures(const struct page *page, const struct section *section);
int html_cells(const struct page *page, const struct section *section);
/* html_cell.c: cell `k` of the section's pictures wants all that probes saw of it; its histograms
 * are drawn while `left` pictures are. */
void html_want_probes(const struct section *section, unsigned k);
void html_plan_probes(const struct page *page, struct section *section, unsigned k, unsigned *left);
/* One cell to be folded out. */
int html_cell(const struct page *page, const struct section *section, const struct cell_figure *f);
int html_pair(const struct page *page, const struct figure *f, const char *of);
void html_legend(const struct page *page, const struct section *section, int latency);

void html_problems(const struct page *page);
void html_warnings(const struct page *page);
void html_notes(const struct page *page);
void html_host(const struct page *page);
