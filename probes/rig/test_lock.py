#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Locks as `lock` sees them, against programs that count their own calls, perf and bpftrace.

usage: test_lock.py PROBE_RIG LOCK_LOAD
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile

from rig import Rig

N = 4000
TABLE = 16384  # LOCK_ADDRESSES
MANY = 1_000_000


class Load:
    def __init__(self, program, folder):
        self.program, self.counts = program, os.path.join(folder, "counts")

    def command(self, *words):
        return [self.program, self.counts] + [str(word) for word in words]

    def told(self):
        with open(self.counts, encoding="utf-8") as file:
            return json.load(file)


def equal(what, ours, theirs):
    assert ours == theirs, f"{what}: {ours} is not {theirs}"


def without_losses(rig, load, hooks, *words):
    seen = rig.complete("lock", load.command(*words), {"hooks": hooks})
    equal("full or unknown", [seen[key] for key in ("map_full", "untracked")], [0, 0])
    return seen


def operations(seen):
    return {row["operation"]: row for row in seen["futex_calls"]}


def futex_at(seen, address):
    rows = [row for row in seen["futex"] if row["address"] == address]
    equal(f"rows of {address}", len(rows), 1)
    return rows[0]


def known_counts(rig, load, hooks, n=N):
    seen = without_losses(rig, load, hooks, "known", N)
    equal("hooks", seen["hooks"], hooks)
    calls = operations(seen)
    expected = {"wake": (n, 0, 0, 0), "wait": (n + n // 2 + 5, n, 5, n // 2),
                "wait_bitset": (n // 4, n // 4, 0, 0), "cmp_requeue": (n // 8, n // 8, 0, 0)}
    for name, figures in expected.items():
        call = calls[name]
        equal(f"{hooks} {name}",
              tuple(call[key] for key in ("calls", "again", "timed_out", "failed")), figures)
    equal("timed waits slept", calls["wait"]["slept"], 5)
    row = futex_at(seen, load.told()["address"])
    equal("calls at the address", (row["calls"], row["again"], row["wakes"]),
          (n + 5 + n // 4, n + n // 4, n + n // 8))
    assert row["sum_ns"] > 5 * 2_000_000 * 0.9, row


def difference_is_found(rig, load, hooks):
    try:
        known_counts(rig, load, hooks, N + 8)
    except AssertionError:
        return
    raise AssertionError("calls of another number were not told apart")


def raw_lock(rig, load, hooks):
    """Exact at the lock's own address; sleeps as getrusage sees them, by chance off by a preemption
    that began as a wait."""
    seen = without_losses(rig, load, hooks, "raw", 4, 3000)
    told = load.told()
    row = futex_at(seen, told["address"])
    assert told["waits"] > 20, f"not contended: {told}"
    equal(f"{hooks} own counters", [row[key] for key in ("calls", "again", "wakes", "woke")],
          [told[key] for key in ("waits", "again", "wakes", "woke")])
    equal("sleeps of the tally", row["slept"], row["count"])
    assert abs(row["slept"] - told["slept"]) <= max(2, 0.05 * told["slept"]), (row, told)


def frames(stacks):
    return [" ".join(stack["stack"]) for stack in stacks]


def line_of(text):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lock_load.c"),
              encoding="utf-8") as file:
        return next(i for i, line in enumerate(file, 1) if text in line)


def histograms(rig, load, hooks):
    """A full one for each role has what the tables have."""
    seen = without_losses(rig, load, hooks, "raw", 4, 3000)
    full = seen["histograms"]["process"]
    equal("sleeps", full["futex"]["count"], sum(row["slept"] for row in seen["futex_calls"]))
    equal("time of sleeps", full["futex"]["sum"], sum(row["sum_ns"] for row in seen["futex"]))
    # A table that CPUs share may miss its longest one, when two of them end at once.
    assert full["futex"]["max"] >= max(row["max_ns"] for row in seen["futex"]), (full, seen["futex"])
    seen = without_losses(rig, load, hooks, "map", 4, 1500)
    full = seen["histograms"]["process"]["kernel"]
    types = [row for row in seen["kernel_types"] if row["role"] == "process"]
    for mine, theirs in (("count", "count"), ("sum", "sum_ns")):
        equal(f"kernel waits, {mine}", full[mine], sum(row[theirs] for row in types))
    equal("longest kernel wait", full["max"], max(row["max_ns"] for row in types))
    assert len(full["buckets"]) > 32, "as coarse as a tally"


def mutex_named(rig, load, hooks):
    seen = rig.run("lock", load.command("mutex", 4, 100_000), {"hooks": hooks}, 100, 700)["lock"]
    row = futex_at(seen, load.told()["address"])
    for kind, text in (("waiters", "line of the wait"), ("wakers", "line of the wake")):
        place = f"take_the_mutex (lock_load.c:{line_of(text)})"
        assert any(place in stack for stack in frames(row[kind])), (hooks, kind, place, row[kind])


def own_futexes(rig, load, hooks):
    """The same wait at an address for each thread is one row, and says of how many."""
    threads = 4
    seen = rig.run("lock", load.command("own", threads, 100_000), {"hooks": hooks}, 100, 700)["lock"]
    place = f"sleep_at (lock_load.c:{line_of('line of the own wait')})"
    rows = [row for row in seen["futex"]
            if any(place in stack for stack in frames(row["waiters"]))]
    equal(f"{hooks} addresses of each row", [row["addresses"] for row in rows], [threads])
    # One that is preempted before it sleeps may be late for that.
    assert 0.95 * rows[0]["calls"] < rows[0]["slept"] <= rows[0]["calls"], rows
    assert 0.9 < rows[0]["address_ns"] / rows[0]["sum_ns"] * threads < 1.3, rows


def many_threads(rig, load, hooks):
    """10,000 at a time are all seen; of more than the table holds the rest is counted."""
    room = 16384  # THREADS_MAX
    for n in (10_000, 18_000):
        both = rig.run("lock", load.command("crowd", n), {"hooks": hooks})
        seen, unwatched = both["lock"], both["sched"]["untracked"]
        calls = operations(seen)["wake_bitset"]["calls"]
        assert n - unwatched - seen["lost"] <= calls <= n - unwatched, (n, calls, unwatched, seen["lost"])
        assert (unwatched > 0) == (n > room), (n, unwatched)
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert used < 512 << 10, f"{used} KiB"
        print(f"{hooks}, {n} threads: {calls} calls, {unwatched} threads unwatched, {used} KiB")


def many_addresses(rig, load, hooks):
    seen = rig.run("lock", load.command("addresses", MANY), {"hooks": hooks})["lock"]
    calls = operations(seen)["wake"]["calls"]
    assert MANY - seen["lost"] <= calls <= MANY, (calls, seen["lost"])
    told = sum(row["wakes"] for row in seen["futex"]) + seen["futex_rest"]["wakes"]
    equal("counted and lost", told + seen["map_full"], calls)
    equal("addresses", len(seen["futex"]) + seen["futex_rest"]["addresses"], TABLE)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert used < 256 << 10, f"{used} KiB"


def perf_calls(load, op):
    """How often `known` calls futex(2) with this operation; None with the reason said."""
    done = subprocess.run(["perf", "stat", "-x", ",", "-e", "syscalls:sys_enter_futex", "--filter",
                           f"op=={op}"] + load.command("known", N), stderr=subprocess.PIPE,
                          text=True, check=False)
    rows = [line.split(",") for line in done.stderr.splitlines() if "sys_enter_futex" in line]
    if done.returncode or len(rows) != 1 or not rows[0][0].isdigit():
        print(f"not compared with perf: {done.stderr}")
        return None
    return int(rows[0][0])


def as_perf_counts(rig, load, hooks):
    """0: FUTEX_WAIT; 128 is FUTEX_PRIVATE_FLAG, 129 FUTEX_WAKE with it, 137 FUTEX_WAIT_BITSET."""
    if not shutil.which("perf"):
        print("not compared with perf: it is not installed")
        return
    theirs = [perf_calls(load, op) for op in (0, 128, 129, 137)]
    if None in theirs:
        return
    if not any(theirs):
        print("not compared with perf: BPF programs of others keep its events from it")
        return
    calls = operations(without_losses(rig, load, hooks, "known", N))
    equal(f"{hooks} perf stat",
          [calls[name]["calls"] for name in ("wait", "wake", "wait_bitset")],
          [theirs[0] + theirs[1]] + theirs[2:])


def top_caller_by_bpftrace(load):
    """Most waiting time in contention_begin .. end, by kernel stack; None where it does not run."""
    if not shutil.which("bpftrace"):
        print("not compared with bpftrace: it is not installed")
        return None
    script = ("tracepoint:lock:contention_begin /comm == \"lock_load\"/ "
              "{ @b[tid, args->lock_addr] = nsecs; } "
              "tracepoint:lock:contention_end /@b[tid, args->lock_addr]/ "
              "{ @w[kstack(8)] = sum(nsecs - @b[tid, args->lock_addr]); "
              "delete(@b[tid, args->lock_addr]); } END { clear(@b); }")
    done = subprocess.run(["bpftrace", "-f", "json", "-e", script, "-c",
                           " ".join(load.command("map", 4, 1500))],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    waits = {}
    for line in done.stdout.splitlines():
        if line.startswith("{") and '"@w"' in line:
            waits = json.loads(line)["data"]["@w"]
    if not waits:
        print(f"not compared with bpftrace: {done.stderr}")
        return None
    return max(waits, key=waits.get)


def map_contention(rig, load, hooks, theirs):
    seen = rig.run("lock", load.command("map", 4, 1500), {"hooks": hooks})["lock"]
    # An interrupt that waits for a lock while our program runs is skipped by the kernel, and counted.
    assert seen["lost"] * 100 <= seen["events"], (seen["lost"], seen["events"])
    top = seen["kernel"][0]
    equal(f"{hooks} type", top["type"], "rwsem-write")
    kinds = {row["type"]: row for row in seen["kernel_types"]}
    sampled = sum(row["sum_ns"] for row in seen["kernel"] if row["type"] == "rwsem-write")
    assert 0.5 < sampled / kinds["rwsem-write"]["sum_ns"] < 1.5, (sampled, kinds)
    if theirs:
        assert top["caller"] in theirs, (top, theirs)


def without_tracefs(rig, load):
    """No right to mount it: all system calls are looked at, the same is counted, and it is said."""
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c",
               "umount /sys/kernel/tracing; umount /sys/kernel/debug 2>/dev/null; "
               "exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin \"$@\"", "sh",
               rig.path, "-k", "hooks=btf", "lock"] + load.command("known", N)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)["lock"]
    equal("status", seen["status"], "ok")
    assert "tracefs" in seen["reason_futex_hooks"], seen
    equal("hooks", {row["name"] for row in seen["programs"]} & {"sys_exit", "exit_futex"},
          {"sys_exit"})
    calls = operations(seen)
    equal("calls", [calls[name]["calls"] for name in ("wake", "wait")], [N, N + N // 2 + 5])


def main():
    rig = Rig(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="uhbench-lock-") as folder:
        load = Load(sys.argv[2], folder)
        usable = rig.hooks("lock")
        theirs = top_caller_by_bpftrace(load)
        for hooks in usable:
            known_counts(rig, load, hooks)
            difference_is_found(rig, load, hooks)
            raw_lock(rig, load, hooks)
            histograms(rig, load, hooks)
            if hooks == "btf":  # plain tracepoints have no stacks
                mutex_named(rig, load, hooks)
                own_futexes(rig, load, hooks)
            many_threads(rig, load, hooks)
            many_addresses(rig, load, hooks)
            as_perf_counts(rig, load, hooks)
            map_contention(rig, load, hooks, theirs)
        if "btf" in usable:
            without_tracefs(rig, load)


if __name__ == "__main__":
    main()
