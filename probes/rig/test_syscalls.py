#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""System calls as `syscalls` counts them, against programs that know theirs and against perf.

usage: test_syscalls.py PROBE_RIG SYSCALLS_LOAD
"""

import shutil
import subprocess
import sys

from rig import Rig

THREADS, COUNT = 3, 20000


class Difference(AssertionError):
    """Counts that differ from what they should be."""


def by_name(seen):
    return {call["syscall"]: call for call in seen["calls"]}


def check_known_counts(rig, load, hooks, made=COUNT):
    seen = rig.complete("syscalls", [load, THREADS, made], {"hooks": hooks})
    assert seen["hooks"] == hooks and seen["timing"] == "exact", seen
    assert (seen["lost"], seen["map_full"], seen["untracked"]) == (0, 0, 0), seen
    calls = by_name(seen)
    expected = {
        "getppid": (THREADS * COUNT, 0),
        "dup": (THREADS * COUNT // 2, THREADS * COUNT // 2),
        "tgkill": (THREADS * COUNT // 10, 0),
        "rt_sigreturn": (THREADS * COUNT // 10, None),
        "getpgid": (COUNT, 0),
        "clock_nanosleep": (THREADS * 5, 0),
        "execve": (1, 0),
        "clone": (1, 0),
        "clone3": (THREADS, 0),
    }
    for name, (count, failed) in expected.items():
        call = calls[name]
        if call["count"] != count:
            raise Difference(hooks, name, call["count"], count)
        assert failed is None or call["failed"] == failed, (hooks, name, call)
        assert call["count"] == sum(call["slots"]), (hooks, name)
        assert call["max_ns"] * call["count"] >= call["sum_ns"] >= call["max_ns"], (hooks, name)
    assert calls["clock_nanosleep"]["sum_ns"] >= THREADS * 5 * 2_000_000, hooks
    assert "exit_group" not in calls, hooks


def perf_counts(events, command):
    """{event: count} of perf stat; None with the reason said where it does not run."""
    done = subprocess.run(["perf", "stat", "-x", ",", "-e", ",".join(events)] + command,
                          stderr=subprocess.PIPE, text=True, check=False)
    rows = [line.split(",") for line in done.stderr.splitlines() if line.count(",") > 2]
    counts = {row[2]: int(row[0]) for row in rows if row[0].isdigit()}
    if len(counts) == len(events):
        return counts
    print(f"not compared with perf: {done.stderr}")
    return None


def check_against_perf(rig, load, hooks):
    """Only names of which the rig's child calls none before it becomes the command; not clone3,
    whose end perf counts in the new thread, too."""
    names = ["getppid", "dup", "tgkill", "getpgid", "mmap", "openat", "wait4", "rt_sigaction",
             "clock_nanosleep", "execve"]
    theirs = perf_counts([f"syscalls:sys_exit_{name}" for name in names], [load, "2", "5000"])
    if theirs:
        calls = by_name(rig.complete("syscalls", [load, 2, 5000], {"hooks": hooks}))
        for name in names:
            count = theirs[f"syscalls:sys_exit_{name}"]
            assert calls[name]["count"] == count, (hooks, name, calls[name], count)
    command = [shutil.which("true")]
    theirs = perf_counts(["raw_syscalls:sys_exit"], command)
    if theirs:
        seen = rig.complete("syscalls", command, {"hooks": hooks})
        calls = by_name(seen)
        # dup2 of the rig's child, and what the C library calls in a new process.
        ours = seen["events"] - calls["dup2"]["count"] - (calls["set_robust_list"]["count"] - 1)
        assert ours == theirs["raw_syscalls:sys_exit"], (hooks, seen["events"], ours, theirs)


def check_difference_is_found(rig, load, hooks):
    """The comparison above does fail for another load."""
    try:
        check_known_counts(rig, load, hooks, COUNT + 10)
    except Difference:
        return
    raise AssertionError("a load of other counts was not told apart")


def check_window(rig, hooks):
    """A call that spans the beginning of the window is timed from there on; one that does not end in
    it is not counted."""
    knobs = {"hooks": hooks, "probe_cost": 100}  # whatever else the machine does
    command = ["sh", "-c", "sleep 0.25; exec sleep 100"]
    calls = by_name(rig.run("syscalls", command, knobs, 100, 300)["syscalls"])
    sleep = calls["clock_nanosleep"]
    assert sleep["count"] == 1, (hooks, sleep)
    assert 50_000_000 < sleep["sum_ns"] < 250_000_000, (hooks, sleep)
    assert calls["execve"]["count"] - calls["execve"]["failed"] == 1, (hooks, calls["execve"])


def check_budget(rig, load, hooks):
    """Calls and nothing else cost more than 1 % of CPU time to time: only counts are left."""
    seen = rig.run("syscalls", [load, 1, 200_000_000], {"hooks": hooks, "probe_cost": 1},
                   200, 300)["syscalls"]
    assert seen["timing"] == "none" and "probe_cost" in seen["reason_timing"], seen
    call = by_name(seen)["getppid"]
    assert call["count"] > 1000, call
    assert [call[key] for key in ("sum_ns", "max_ns", "slots")] == [None] * 3, call
    runs = {program["name"]: program["runs"] for program in seen["programs"]}
    assert runs["sys_enter"] < runs["sys_exit"] / 10, runs


def main():
    rig, load = Rig(sys.argv[1]), sys.argv[2]
    for hooks in rig.hooks("syscalls"):
        check_known_counts(rig, load, hooks)
        check_difference_is_found(rig, load, hooks)
        check_window(rig, hooks)
        check_budget(rig, load, hooks)
        if shutil.which("perf"):
            check_against_perf(rig, load, hooks)
        else:
            print("not compared with perf: it is not installed")


if __name__ == "__main__":
    main()
