# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Counting what passed. Sourced by ci/test and .ci/run; their last line is tally_line.
passed=0 failed=0 skipped=0

tally_line() { printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"; }

# tally_check NAME COMMAND...: one check. Exit code 77 is a skip. Its output is shown when it fails.
tally_check() {
	local name=$1 log status=0
	shift
	log=$(mktemp)
	"$@" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0)
		passed=$((passed + 1))
		printf 'ok    %s\n' "$name"
		;;
	77)
		skipped=$((skipped + 1))
		printf 'skip  %s: %s\n' "$name" "$(tail -n 1 "$log")"
		;;
	*)
		failed=$((failed + 1))
		printf 'FAIL  %s (exit %d)\n' "$name" "$status"
		sed 's/^/      /' "$log"
		;;
	esac
	rm -f "$log"
}

# tally_meson DIR SUITE [MESON-TEST-OPTION...]: runs one suite of a build folder, counts its tests.
tally_meson() {
	local dir=$1 suite=$2 log status=0 ok fail skip
	shift 2
	log=$dir/meson-logs/testlog.json
	rm -f "$log"
	meson test -C "$dir" --no-rebuild --suite "$suite" --print-errorlogs "$@" </dev/null ||
		status=$?
	if [[ ! -s $log ]]; then
		printf 'FAIL  suite %s of %s ran no test\n' "$suite" "$dir"
		failed=$((failed + 1))
		return
	fi
	ok=$(grep -c '"result": "\(OK\|EXPECTEDFAIL\)"' "$log") || [[ $? -eq 1 ]]
	skip=$(grep -c '"result": "SKIP"' "$log") || [[ $? -eq 1 ]]
	fail=$(($(wc -l <"$log") - ok - skip))
	if ((status != 0 && fail == 0)); then
		fail=1
	fi
	passed=$((passed + ok)) failed=$((failed + fail)) skipped=$((skipped + skip))
}
