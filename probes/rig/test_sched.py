#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `sched` tells, against what the kernel tells the threads themselves.

usage: test_sched.py PROBE_RIG SCHED_LOAD SCHED_WAITS
"""

import os
import shutil
import sys
import tempfile

from rig import Rig

ROUNDS, WAITS, WAIT_MS, NAPS = 20000, 20, 2, 40
MS = 1_000_000
ON_CPU = ("user", "system", "stolen", "on_cpu")
FIELDS = ("voluntary", "involuntary", "run", "queue", "wall")


def known(path):
    """What the threads wrote, summed by role; and how many there were."""
    roles = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            role, *numbers = line.split()
            into = roles.setdefault(role, dict.fromkeys(FIELDS, 0) | {"threads": 0})
            into["threads"] += 1
            for field, number in zip(FIELDS, numbers):
                into[field] += int(number)
    return roles


def ns_of(role, names):
    """Sum of those classes of a role that could be told."""
    return sum(role["classes"][name]["ns"] or 0 for name in names if name in role["classes"])


def blocked(role):
    return ns_of(role, set(role["classes"]) - set(ON_CPU) - {"run_queue"})


def near(ours, theirs, share, floor=0):
    return abs(ours - theirs) <= max(theirs * share, floor)


class Bench:
    """Runs loads under the probe."""

    def __init__(self, rig, load, folder, hooks):
        self.rig, self.load, self.hooks = rig, load, hooks
        self.path = os.path.join(folder, f"report-{hooks}")

    def run(self, mode, number, before=(), **knobs):
        """What was seen, and what the threads know."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        command = list(before) + [self.load, self.path, mode, number]
        seen = self.rig.run("sched", command, {"hooks": self.hooks} | knobs)["sched"]
        assert seen["status"] == "ok" and seen["hooks"] == self.hooks, seen
        # The kernel skips a program that would run inside another one: those on plain tracepoints
        # share one guard, and locks are waited for inside whatever else is traced.
        most = max(2, seen["events"] // 1000)
        assert seen["lost"] <= most and seen["map_full"] == 0, (self.hooks, seen)
        return seen, known(self.path)


def switches_agree(seen, theirs):
    """Within 1 %, or 2 for each thread: each still writes what it knows, and ends."""
    for name, told in theirs.items():
        role = seen["roles"][name]
        for kind in ("voluntary", "involuntary"):
            if not near(role[kind], told[kind], 0.01, 2 * told["threads"]):
                return f"{name} {kind}: {role[kind]}, and getrusage {told[kind]}"
        if role["threads"] != told["threads"]:
            return f"{name}: {role['threads']} threads, and there were {told['threads']}"
    return None


def check_switches(bench):
    seen, theirs = bench.run("switch", ROUNDS)
    assert theirs["driver"]["voluntary"] > ROUNDS // 2, theirs
    assert theirs["target"]["involuntary"] > ROUNDS, theirs
    assert switches_agree(seen, theirs) is None, (bench.hooks, switches_agree(seen, theirs))
    for name in ("driver", "target"): # the others had another name at first
        histograms, role, told = seen["histograms"][name], seen["roles"][name], theirs[name]
        assert near(histograms["off_cpu"]["count"], role["voluntary"], 0.01, 3), (name, role)
        assert near(histograms["run_queue"]["count"],
                    role["voluntary"] + role["involuntary"], 0.01, 3 * told["threads"]), name
    # Those who hand over renamed themselves: they are drivers still, and wake each other.
    wakes = [w for w in seen["wakers"] if (w["from"], w["to"]) == ("driver", "driver")]
    assert sum(w["count"] for w in wakes) > ROUNDS // 4, seen["wakers"]
    # A comparison that cannot fail would show nothing.
    theirs["driver"]["voluntary"] += ROUNDS // 10
    assert "driver voluntary" in switches_agree(seen, theirs)


def check_against_perf(bench):
    """perf counts all threads of the load, its first one included."""
    out = bench.path + ".perf"
    seen, _ = bench.run("switch", ROUNDS, before=[
        shutil.which("perf"), "stat", "-x", ",", "-o", out, "-e", "context-switches"])
    with open(out, encoding="utf-8") as f:
        rows = [line.split(",") for line in f if "context-switches" in line]
    if not rows or not rows[0][0].isdigit():
        print(f"not compared with perf: {rows}")
        return
    theirs = int(rows[0][0])
    ours = sum(seen["roles"][name][kind] for name in ("driver", "target", "sink")
               for kind in ("voluntary", "involuntary"))
    assert near(ours, theirs, 0.01, 10), (bench.hooks, ours, theirs)


def check_run_queue(bench):
    """Three runnable threads on one CPU: two thirds of their time is waiting."""
    seen, theirs = bench.run("spin", 600)
    role, told = seen["roles"]["target"], theirs["target"]
    queue = ns_of(role, ["run_queue"])
    assert told["queue"] > told["wall"] / 3, told
    assert near(queue, told["queue"], 0.05), (bench.hooks, queue, told)
    assert near(ns_of(role, ON_CPU), told["run"], 0.05), (bench.hooks, role, told)
    assert near(seen["histograms"]["target"]["run_queue"]["sum"], queue, 0.02), seen


def check_off_cpu(bench):
    seen, theirs = bench.run("nap", 600)
    role, told = seen["roles"]["target"], theirs["target"]
    expected = told["wall"] - told["run"] - told["queue"]
    assert expected > told["wall"] / 4, told
    assert near(blocked(role), expected, 0.03), (bench.hooks, blocked(role), expected)
    assert 0.95 <= ns_of(role, role["classes"]) / told["wall"] <= 1.05, (bench.hooks, role, told)
    assert 0.95 <= role["closure"] <= 1.0001, role


def all_but_few(count, expected):
    """Who is preempted on the way to its wait until that is over never blocks; joining may."""
    return expected - 3 <= count <= expected + 1


def check_waits(rig, waits, folder):
    """Every class gets its own waits, and their time. User stacks are taken of few: whether one is of
    a sleep, which are some of the shortest, is chance."""
    assert any(names_the_sleeper(waits_seen(rig, waits, folder)) for _ in range(6))


def waits_seen(rig, waits, folder):
    command = [waits, WAITS, WAIT_MS, os.path.join(folder, "file")]
    seen = rig.run("sched", command, {"hooks": "btf"})["sched"]
    expected = {"sleep": "clock_nanosleep", "futex": "futex", "poll": "poll", "pipe": "read",
                "cq": "io_uring_enter"}
    rows = {(w["role"], w["class"], w["syscall"]): w for w in seen["waits"]}
    for cls, call in expected.items():
        row = rows["driver", cls, call]
        assert all_but_few(row["count"], WAITS), row
        assert row["sum_ns"] >= row["count"] * WAIT_MS * MS * (0.95 if cls != "pipe" else 0.3), row
        assert row["max_ns"] <= row["sum_ns"], row
    sockets = [rows["driver", "socket", call]["count"] for call in ("read", "recvfrom")]
    assert all(all_but_few(count, WAITS // 2) for count in sockets), rows
    assert rows["driver", "block", "fdatasync"]["count"] >= WAITS, rows
    role = seen["roles"]["driver"]
    for cls in expected:
        total = sum(w["sum_ns"] for w in seen["waits"] if (w["role"], w["class"]) == ("driver", cls))
        assert near(role["classes"][cls]["ns"], total, 0.001), (cls, role, total)
    # The feeder ends the waits of the pipe; the clock ends those of sleep.
    wakers = {(w["from"], w["to"], w["class"]): w["count"] for w in seen["wakers"]}
    assert wakers["sink", "driver", "pipe"] == rows["driver", "pipe", "read"]["count"], wakers
    assert all_but_few(wakers["outside", "driver", "sleep"], WAITS), (wakers, rows)
    check_stacks(seen)
    return seen


def check_stacks(seen):
    stacked = seen["stacked"]
    assert stacked["long_waits"] >= 4 * WAITS and stacked["kernel"] > 0, stacked
    assert stacked["kernel"] <= stacked["long_waits"], stacked
    # Whatever became of a sample, it is told.
    assert stacked["user"] == sum(stacked[k] for k in (
        "shorter", "unfinished", "interrupts", "unwound")) + sum(stacked["failed"].values()), stacked
    assert sum(stacked["truncated"].values()) <= stacked["unwound"], stacked
    assert all(n > 0 for n in stacked["dropped"].values()), stacked
    by_class = {}
    for stack in seen["stacks"]:
        by_class.setdefault(stack["class"], []).append(stack)
    for cls, frame in (("futex", "futex_wait"), ("poll", "poll"), ("pipe", "pipe_read"),
                       ("cq", "io_cqring_wait"), ("sleep", "nanosleep")):
        frames = [f for s in by_class[cls] for f in s["kernel"]]
        assert any(frame in f for f in frames), (cls, frames)


def names_the_sleeper(seen):
    frames = [f for s in seen["stacks"] if s["class"] == "sleep" for f in s["user"] or []]
    return any(f.startswith("main (sched_waits.c:") for f in frames)


def check_many(bench):
    """Ten thousand threads at a time are all watched."""
    with open("/proc/sys/kernel/threads-max", encoding="utf-8") as f:
        assert int(f.read()) > 20000
    seen, _ = bench.run("many", 10000)
    role = seen["roles"]["sink"]
    assert role["threads"] == 10001 and seen["untracked"] == 0, (role, seen["untracked"])


def check_too_many(bench):
    """Beyond the table threads are counted as untracked, and nothing breaks."""
    seen, _ = bench.run("fork", 17000)
    watched = sum(role["threads"] for role in seen["roles"].values())
    assert (watched, seen["untracked"]) == (16383, 17001 - 16383), (watched, seen["untracked"])


def check_forks(bench):
    seen, _ = bench.run("fork", 200)
    role = seen["roles"]["sink"]
    assert role["threads"] == 201 and 0.95 <= role["closure"] <= 1.0001, role


def follows_exec(bench):
    """Whether every nap was seen; all but one always are."""
    seen, _ = bench.run("exec", NAPS)
    cls = "sleep" if bench.hooks == "btf" else "other"
    naps = ns_of(seen["roles"]["sink"], [cls])
    counts = [w["count"] for w in seen["waits"] if w["class"] == "sleep"]
    assert naps >= (NAPS - 1) * 5 * MS, (bench.hooks, seen["roles"]["sink"])
    assert bench.hooks != "btf" or len(counts) == 1 and NAPS - 1 <= counts[0] <= NAPS, counts
    return naps >= NAPS * 5 * MS and (bench.hooks != "btf" or counts == [NAPS])


def check_exec(bench):
    """A thread that is not the first of its process gets that one's id by execve, and is followed.

    On Linux 6.18 the end of the first wait after that is sometimes told to nobody: in one of ten
    tries on an idle machine bpftrace, too, saw neither waking nor wakeup nor the switch. A thread
    that we lost would miss all its naps, every time."""
    assert any(follows_exec(bench) for _ in range(8)), bench.hooks


def main():
    rig, load, waits = Rig(sys.argv[1]), sys.argv[2], sys.argv[3]
    with tempfile.TemporaryDirectory() as folder:
        for hooks in rig.hooks("sched"):
            bench = Bench(rig, load, folder, hooks)
            check_switches(bench)
            if shutil.which("perf"):
                check_against_perf(bench)
            else:
                print("not compared with perf: it is not installed")
            check_run_queue(bench)
            check_off_cpu(bench)
            check_forks(bench)
            check_exec(bench)
            check_many(bench)
            check_too_many(bench)
            if hooks == "btf":
                check_waits(rig, waits, folder)


if __name__ == "__main__":
    main()
