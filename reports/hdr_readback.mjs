// SPDX-License-Identifier: MIT
// Reads an interval log with hdr-histogram-js and holds it against the records it was made from:
// hdr_readback.mjs MODULES_DIR RUNS.JSONL LOG
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [modules, runsFile, logFile] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { HistogramLogReader } = require("hdr-histogram-js");

// As in results/README.md.
const high = (i) => {
	if (i < 256)
		return i;
	const shift = Math.floor(i / 128) - 1;

	return ((i % 128) + 128 + 1) * 2 ** shift - 1;
};

function quantile(buckets, count, q) {
	const rank = Math.max(1, Math.ceil(q * count));
	let seen = 0;

	for (const [i, n] of buckets) {
		seen += n;
		if (seen >= rank)
			return high(i);
	}
	throw new Error("rank beyond the last bucket");
}

function check(what, got, want) {
	if (got !== want)
		throw new Error(`${what}: read ${got}, recorded ${want}`);
}

const reader = new HistogramLogReader(readFileSync(logFile, "utf8"));
const runs = readFileSync(runsFile, "utf8").split("\n").filter(Boolean).map((l) => JSON.parse(l));
let n = 0;

for (const run of runs.filter((r) => r.status === "ok")) {
	for (const [name, hist] of Object.entries(run.histograms)) {
		const read = reader.nextIntervalHistogram();
		const tag = `${run.cell.id}.${name}`;

		check("tag", read.tag, tag);
		check(`${tag} count`, read.totalCount, hist.count);
		for (const q of [0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1])
			check(`${tag} q${q}`, read.getValueAtPercentile(q * 100),
				quantile(hist.buckets, hist.count, q));
		n++;
	}
}
check("histograms left in the log", reader.nextIntervalHistogram(), null);
if (n === 0)
	throw new Error("no histogram to compare");
console.log(`${n} histograms agree`);
