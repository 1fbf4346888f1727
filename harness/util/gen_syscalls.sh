#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes rows of {number, "name"} for every system call that this compiler's headers know.
# Usage: gen_syscalls.sh CC... > syscall_rows.inc
set -eu
printf '#include <sys/syscall.h>\n' | "$@" -E -dM - | awk '
	$1 == "#define" && $2 ~ /^__NR_/ && $3 ~ /^[0-9]+$/ {
		printf "\t{%s, \"%s\"},\n", $3, substr($2, 6)
	}' | sort -t'{' -k2 -n
