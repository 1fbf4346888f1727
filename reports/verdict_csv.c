// SPDX-License-Identifier: MIT
/* For other programs: the document as it stands, and one line for each metric of each cell. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "harness/util/cleanup.h"
#include "reports/csv.h"
#include "reports/get.h"
#include "reports/verdict.h"
#include "reports/verdict_load.h"

/* Byte for byte: what `replay` compares is what other programs get. */
int verdict_json(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	_cleanup_fclose_ FILE *in = NULL;
	char path[PATH_MAX], buf[16384];
	size_t n;
	int code = verdicts_load(options->dir, &v, err); /* it is one that this build can read */

	if (code)
		return code;
	snprintf(path, sizeof(path), "%s/verdicts.json", options->dir);
	in = fopen(path, "re");
	if (!in)
		return err_sys(err, -errno, "%s", path);
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		fwrite(buf, 1, n, out);
	return ferror(in) ? err_sys(err, -EIO, "%s", path) : 0;
}

static void put_texts(FILE *out, const char *const *texts)
{
	for (const char *const *text = texts; *text; text++) {
		fputs(text == texts ? "" : ",", out);
		csv_text(out, *text);
	}
}

static void put_row(FILE *out, const struct verdicts *v, const struct verdict_row *row)
{
	const struct verdict_cell *cell = verdict_cell_of(v, row);
	const double numbers[] = {row->estimate,   row->low,	   row->high, row->p,
				  row->p_adjusted, row->n1,	   row->n2,   row->mde,
				  row->effect,	   row->matters,   row->base, row->head,
				  cell->pairs,	   cell->discarded};
	const char *texts[] = {get_text(v->document, "gate"),
			       v->kind,
			       cell->id,
			       cell->label,
			       row->metric,
			       row->unit,
			       better_names[row->by.better],
			       row->by.count ? "count" : "time",
			       row->gated ? "true" : "false",
			       verdict_names[row->what],
			       row->stage,
			       NULL};

	put_texts(out, texts);
	for (size_t i = 0; i < array_size(numbers); i++) {
		fputc(',', out);
		csv_number(out, numbers[i]);
	}
	fputc(',', out);
	csv_text(out, *row->metric ? row->why : cell->reason);
	fputc('\n', out);
}

int verdict_csv(const struct report_options *options, FILE *out, struct err *err)
{
	_cleanup_(cleanup_verdicts) struct verdicts *v = NULL;
	int code = verdicts_load(options->dir, &v, err);

	if (code)
		return code;
	fputs("gate,kind,cell,label,metric,unit,better,channel,gated,verdict,stage,estimate,low,high,p,"
	      "p_adjusted,n1,n2,mde,effect,matters,base,head,pairs,discarded,why\n",
	      out);
	for (unsigned i = 0; i < v->n_rows; i++)
		put_row(out, v, v->order[i]);
	return 0;
}
