#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Does a ublk device of ours keep what is written to it, and does it go away? Runs as root where
# there is a ublk driver and little else (busybox's sh): test_ublk_vm.py sends it into a virtual
# machine. Each proof starts from an empty machine, must leave one, and ends with "ok ..." or fails.
#
#   proofs.sh control                                  every command, against the driver
#   proofs.sh cycles COUNT                             made and removed, and nothing grows
#   proofs.sh fio BACKEND QUEUES [KNOB=VALUE]...       random writes, read back and checked by fio
#   proofs.sh liar FAULT                               the same on a device that lies: fio must see it
#   proofs.sh ext4 BACKEND QUEUES [KNOB=VALUE]...      mkfs, copy, fsck, compare
#   proofs.sh erase BACKEND [KNOB=VALUE]...            discard and write zeroes, byte by byte
#   proofs.sh flush                                    a flush reaches the disk below the file
#   proofs.sh sizes BACKEND SIZE...                    fio with blocks of these sizes
#   proofs.sh doctor                                   finds and removes what is ours, and no more
#   proofs.sh kill ROUNDS SEED                         SIGKILL of server, driver or parent
#   proofs.sh all                                      the lines of standard input, one proof each
set -eu

PATH=$PATH:/proof
TOOLS=${PROOF_TOOLS:-/proof} # whole ones: the shell prefers busybox's own
W=${PROOF_DIR:-/tmp/proof}
BYTES=33554432 # the server touches all of it at the start
dev='' server='' guard=''

fail() {
	echo "FAILED: $*"
	tail -n 20 "$W"/*.err 2>/dev/null || echo '(nothing on any standard error)'
	blocked
	exit 1
}

# Where every thread of ours waits in the kernel.
blocked() {
	ours | while read -r pid comm _; do
		for task in "/proc/$pid/task"/*; do
			echo "$pid $comm ${task##*/} $(cut -d' ' -f3 "$task/stat"):" \
				"$(sed 's/^[^ ]* //; s/+.*//' "$task/stack" | tr '\n' ' ')"
		done
	done
}

# guard SECONDS: from here on, a proof that takes longer says where it hangs, and fails
guard() {
	(
		sleep "$1"
		(fail "nothing more for $1 s") || kill $$
	) &
	guard=$!
}

unguard() {
	kill "$guard" 2>/dev/null || fail "too slow"
	wait "$guard" 2>/dev/null || :
}

# serve KNOB=VALUE...: sets dev and server
serve() {
	rm -f "$W/ready"
	uhbench serve ublk "$@" >"$W/ready" 2>"$W/serve.err" &
	server=$!
	tries=0
	until [ -s "$W/ready" ]; do
		kill -0 "$server" 2>/dev/null || fail "serve $* ended"
		[ $((tries += 1)) != 500 ] || blocked
		usleep 20000
	done
	dev=$(sed -n 's/.*"path":"\([^"]*\)".*/\1/p' "$W/ready")
	[ -b "$dev" ] || fail "serve $*: \"$dev\" is no block device"
}

unserve() {
	kill -TERM "$server"
	wait "$server" || fail "serve ended with $?"
	nothing_left
}

# Processes of ours, as "PID COMM STATE": all but those that we run in.
ours() {
	for p in /proc/[0-9]*; do
		[ "$p" != /proc/1 ] || continue
		read -r stat 2>/dev/null <"$p/stat" || continue
		comm=${stat#*\(}
		case $comm in # a number: executed by descriptor
		target/* | driver/* | uhbench* | [0-9]*) echo "$stat" | cut -d' ' -f1-3 ;;
		esac
	done
}

# No device, no node, no process of ours.
nothing_left() {
	for left in /dev/ublkb* /dev/ublkc* /sys/class/ublk-char/* /sys/block/ublkb*; do
		[ ! -e "$left" ] || fail "$left is left"
	done
	[ -z "$(ours)" ] || fail "processes are left: $(ours)"
}

backend_knobs() {
	echo "backend=$1"
	[ "$1" != file ] || echo "file=$W/backing destroy=true fill=false"
}

# run_fio BS JOBS [OPTION]...: each job writes its own part of the device once, and checks it
run_fio() {
	bs=$1 jobs=$2
	shift 2
	fio --name=proof --filename="$dev" --ioengine=io_uring --direct=1 --rw=randwrite --bs="$bs" \
		--iodepth=16 --numjobs="$jobs" --size=$((BYTES / jobs / 2)) \
		--offset_increment=$((BYTES / jobs)) --verify=crc32c --verify_fatal=1 --do_verify=1 \
		--randseed=7 --group_reporting --minimal "$@" >"$W/fio.out" 2>"$W/fio.err"
}

proof_fio() {
	backend=$1 queues=$2
	shift 2
	# shellcheck disable=SC2046 # one word for each knob
	serve $(backend_knobs "$backend") size=$BYTES queues="$queues" "$@"
	run_fio 4k 4 || fail "fio"
	unserve
}

# The parts that need no run.
proof_control() {
	"$TOOLS/test_ublk_ctl" >"$W/ctl.out" 2>"$W/ctl.err" || {
		grep -v -e ' RUN ' -e ' OK ' "$W/ctl.out"
		fail "test_ublk_ctl"
	}
}

proof_cycles() {
	"$TOOLS/serve_cycles" "$1" '{"workload": "block", "target": "ublk",
		"with": {"backend": "memory", "queues": 2, "size": "8M"}}' 2>"$W/cycles.err" || fail "cycles"
}

proof_liar() {
	serve backend=memory size=$BYTES queues=2 fault="$1"
	! run_fio 4k 4 || fail "fio does not see the fault"
	unserve
}

proof_ext4() {
	backend=$1 queues=$2
	shift 2
	# shellcheck disable=SC2046
	serve $(backend_knobs "$backend") size=$BYTES queues="$queues" "$@"
	mkfs.ext4 -q -F "$dev" >"$W/mkfs.err" 2>&1 || fail mkfs.ext4
	mkdir -p "$W/mnt" "$W/tree/deep"
	seq 1 200000 >"$W/tree/numbers"
	cp /bin/busybox "$W/tree/deep/program"
	i=0
	while [ $((i += 1)) -le 200 ]; do echo "$i" >"$W/tree/deep/$i"; done
	mount -t ext4 "$dev" "$W/mnt" || fail mount
	cp -r "$W/tree" "$W/mnt/" || fail copy
	rm "$W/mnt/tree/deep/100"
	fstrim "$W/mnt" || fail fstrim
	cp "$W/tree/deep/100" "$W/mnt/tree/deep/" || fail "second copy"
	umount "$W/mnt" || fail umount
	fsck.ext4 -f -n "$dev" >"$W/fsck.err" 2>&1 || fail fsck.ext4
	mount -t ext4 -o ro "$dev" "$W/mnt" || fail "second mount"
	diff -r "$W/tree" "$W/mnt/tree" >"$W/diff.err" || fail compare
	umount "$W/mnt"
	rm -rf "$W/tree"
	unserve
}

# What the device must hold is made beside it, in a file, by other means.
proof_erase() {
	backend=$1
	shift
	# shellcheck disable=SC2046
	serve $(backend_knobs "$backend") size=8M queues=2 "$@"
	model="$W/model"
	tr '\0' '\245' </dev/zero | head -c 8388608 >"$model"
	dd if="$model" of="$dev" bs=1M oflag=direct 2>"$W/dd.err"
	# what  offset  length, in KiB
	while read -r how at len; do
		case $how in
		discard) "$TOOLS/blkdiscard" -o "${at}KiB" -l "${len}KiB" "$dev" ;;
		zeroout) "$TOOLS/blkdiscard" -z -o "${at}KiB" -l "${len}KiB" "$dev" ;;
		punch) "$TOOLS/fallocate" -p -o "${at}KiB" -l "${len}KiB" "$dev" ;;
		zero) "$TOOLS/fallocate" -z -o "${at}KiB" -l "${len}KiB" "$dev" ;;
		esac || fail "$how of $len KiB at $at KiB"
		dd if=/dev/zero of="$model" bs=1k seek="$at" count="$len" conv=notrunc 2>>"$W/dd.err"
		cmp "$model" "$dev" || fail "after $how of $len KiB at $at KiB"
	done <<-END
		discard 0 4
		discard 128 512
		zeroout 1028 4
		zeroout 1536 1024
		punch 3072 1020
		zero 4100 508
		punch 8188 4
		discard 0 8192
	END
	rm "$model"
	unserve
}

# Field 16 of a disk's stat counts flushes (Documentation/block/stat.rst).
flushes() {
	awk '{ print $16 }' "/sys/block/$1/stat"
}

# The backing file lies on ext4 on a loop device, whose flushes the kernel counts.
proof_flush() {
	dd if=/dev/zero of="$W/disk" bs=1M count=1 seek=127 2>"$W/dd.err"
	loop=$(losetup -f)
	losetup "$loop" "$W/disk"
	mkfs.ext4 -q -F "$loop" >"$W/mkfs.err" 2>&1 && mkdir -p "$W/below"
	mount -t ext4 "$loop" "$W/below"
	serve backend=file file="$W/below/backing" fill=false size=$BYTES queues=1
	disk=${loop#/dev/}
	before=$(flushes "$disk")
	dd if=/dev/zero of="$dev" bs=4k count=16 oflag=direct 2>>"$W/dd.err"
	[ "$(flushes "$disk")" = "$before" ] || fail "a write alone flushes"
	i=0
	while [ $((i += 1)) -le 5 ]; do
		was=$(flushes "$disk")
		dd if=/bin/busybox of="$dev" bs=4k count=16 seek=$((i * 16)) conv=fsync 2>>"$W/dd.err"
		[ "$(flushes "$disk")" -gt "$was" ] || fail "a flush of $dev does not reach $disk"
	done
	unserve
	umount "$W/below" && losetup -d "$loop"
	rm "$W/disk"
}

proof_sizes() {
	backend=$1
	shift
	for bs in "$@"; do
		case $bs in 512 | 1k | 2k) logical=512 ;; *) logical=4096 ;; esac
		# shellcheck disable=SC2046
		serve $(backend_knobs "$backend") size=$BYTES queues=2 block_bytes=$logical
		# Small blocks: fewer of them.
		run_fio "$bs" 2 --io_size=4m || fail "blocks of $bs"
		unserve
	done
}

proof_doctor() {
	stranger=$("$TOOLS/test_ublk_ctl" stranger) || fail "a device of a stranger"
	serve backend=memory size=$BYTES queues=2
	uhbench doctor --fix >"$W/doctor.err" 2>&1 || fail "doctor beside a served device"
	grep -q 'left behind *nothing' "$W/doctor.err" || fail "what is served is called left"
	kill -KILL $server
	wait $server || :
	uhbench doctor >"$W/doctor.err" 2>&1 || fail "doctor"
	grep -q "left behind *ublk device.*($dev, " "$W/doctor.err" || fail "doctor does not name $dev"
	uhbench doctor --fix >"$W/doctor.err" 2>&1 || fail "doctor --fix"
	grep -q "removed *ublk device.*($dev, " "$W/doctor.err" || fail "doctor does not remove $dev"
	[ ! -e "$dev" ] || fail "$dev is still there"
	[ -e "/dev/ublkc$stranger" ] || fail "the stranger's device is gone"
	"$TOOLS/test_ublk_ctl" remove "$stranger" || fail "removing the stranger's device"
	nothing_left
}

# victim WHO PARENT: its pid, once it is there. The server says in its name what it is, the driver
# is the child of the run.
victim() {
	tries=0
	[ "$1" != parent ] || { echo "$2" && return; }
	while [ $((tries += 1)) -le 200 ] && kill -0 "$2"; do
		for p in /proc/[0-9]*; do
			read -r comm 2>/dev/null <"$p/comm" || continue
			case $1:$comm in
			server:target/*) echo "${p#/proc/}" && return ;;
			driver:[0-9]*) # executed by descriptor
				grep -q '^uhbench.child' "$p/cmdline" 2>/dev/null || continue
				echo "${p#/proc/}" && return
				;;
			esac
		done
		usleep 20000
	done
}

# draw N: sets drawn to one of 0 ... N - 1 (a linear congruential generator, its high bits)
draw() {
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	drawn=$(((seed >> 8) % $1))
}

# Who is killed, and when after it has appeared, is drawn. A session whose run is killed ends by
# itself with 3 (a run failed) and leaves nothing; one that is killed leaves a device, which doctor
# finds. A kill may come too late: then there was nobody.
proof_kill() {
	rounds=$1 seed=$2
	cat >"$W/kill.json" <<-END
		{"name": "kill", "duration": "600ms", "warmup": "100ms", "repeats": 1, "cells": [
		 {"workload": "block", "target": "ublk", "threads": 2, "depth": 16,
		  "with": {"backend": "memory", "bytes": "16M", "queues": 2, "read_percent": 50}}]}
	END
	uhbench validate "$W/kill.json" >"$W/validate.err" 2>&1 || fail "the matrix"
	n=0 hits=0 late=0
	while [ $((n += 1)) -le "$rounds" ]; do
		draw 3
		case $drawn in 0) who=server ;; 1) who=driver ;; *) who=parent ;; esac
		rm -rf "$W/out"
		uhbench run "$W/kill.json" -o "$W/out" >"$W/run.out" 2>"$W/run.err" &
		parent=$!
		pid=$(victim $who $parent)
		draw 1000
		usleep $((drawn * 1000))
		hit=missed
		if [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; then hit=hit; fi
		guard 60
		wait $parent && code=0 || code=$?
		unguard
		echo "round $n: $who ${pid:-none} after $drawn ms: $hit, exit code $code"
		settled
		[ $hit = missed ] || hits=$((hits + 1))
	done
	[ $hits -gt $((rounds / 2)) ] || fail "only $hits of $rounds kills found somebody"
	[ $late -le $((rounds / 4 + 1)) ] || fail "$late of $rounds killed runs say that all is well"
}

# No process within ten seconds of a kill; and what is left of a parent, doctor --fix removes.
settled() {
	tries=0
	while [ -n "$(ours)" ]; do
		[ $((tries += 1)) -le 100 ] || fail "processes stay: $(ours)"
		usleep 100000
	done
	case $who:$hit:$code in
	server:hit:3 | driver:hit:3) ;;
	parent:hit:137) uhbench doctor --fix >"$W/doctor.err" 2>&1 || fail "doctor --fix" ;;
	*:missed:0) ;;
	*:hit:0) late=$((late + 1)) ;; # the run was over, all but its last words
	*) fail "exit code $code" ;;
	esac
	nothing_left
}

# What the kernel says beyond failed I/O, which a killed server causes.
kernel_log() {
	dmesg | grep -iE 'BUG[: ]|WARNING: |\bOops|general protection|Call Trace|refcount_t|hung task|blocked for more than|unable to handle|lockdep' && fail "the kernel complains"
	return 0
}

prove() {
	rm -rf "$W"
	mkdir -p "$W"
	dmesg -c >/dev/null
	nothing_left
	proof=$1
	shift
	"proof_$proof" "$@"
	kernel_log
	echo "ok $proof $* ($(cut -d' ' -f1 /proc/uptime) s)"
}

if [ "$1" = all ]; then
	while read -r line; do
		# shellcheck disable=SC2086 # a line is words
		[ -z "$line" ] || prove $line </dev/null
	done
else
	prove "$@"
fi
