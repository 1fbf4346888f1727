#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The interval log is read back by another implementation, npm's hdr-histogram-js, and compared with
# the records: counts and quantiles of every histogram. test_hdr_readback.sh UHBENCH SESSION CACHE
# CACHE is a folder of the build tree in which the package is installed once.
set -euo pipefail

uhbench=$1 session=$2 cache=$3
here=$(cd "$(dirname "$0")" && pwd)

skip() {
	echo "skipped: $*"
	exit 77
}

command -v node >/dev/null || skip "node is not installed"
if [[ ! -d $cache/node_modules/hdr-histogram-js ]]; then
	command -v npm >/dev/null || skip "npm is not installed"
	mkdir -p "$cache"
	(cd "$cache" && npm install --no-audit --no-fund --no-save --loglevel=error \
		hdr-histogram-js@3.0.1) >"$cache/npm.log" 2>&1 </dev/null ||
		skip "npm cannot install hdr-histogram-js: $(tail -n 1 "$cache/npm.log")"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$uhbench" report "$session" --format hdr --output "$log"
node "$here/hdr_readback.mjs" "$cache" "$session/runs.jsonl" "$log"
