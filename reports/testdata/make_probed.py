#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the session in probed/: two cells with probes, three repeats each, twins of both kinds.

Usage: make_probed.py DIR

The figures are chosen so that sums can be checked by head: the throughput of a probed run of wal is
9/10 of its twin's, that of nop the same; roles' classes add up to their wall time but for nop's.
"""
import json
import os
import sys

SECOND = 10**9
WINDOW = {"begin_ns": 10 * SECOND, "end_ns": 11 * SECOND}
CPUS = {"driver": "", "target": "", "sink": ""}


def cell(number, workload, target, threads, depth):
    axes = {"threads": threads, "depth": depth, "batch": 1, "rate": 0, "arrival": "fixed",
            "payload": 0, "cpus": CPUS}
    return {"id": "c%011d" % number, "workload": workload, "target": target, "axes": axes,
            "knobs": {}}


WAL, NOP = cell(1, "wal", "leader", 4, 1), cell(2, "nop", "uring", 1, 32)


def bucket(v):
    if v < 256:
        return v
    s = v.bit_length() - 8
    return 128 * s + (v >> s)


def hist(values):
    counts = {}
    for v, n in values:
        counts[bucket(v)] = counts.get(bucket(v), 0) + n
    return {"unit": "ns", "count": sum(n for _, n in values), "sum": sum(v * n for v, n in values),
            "min": min(v for v, _ in values), "max": max(v for v, _ in values),
            "buckets": [[i, counts[i]] for i in sorted(counts)]}


def slots(values):
    out = [0] * 32
    for v, n in values:
        out[min(v.bit_length() - 1, 31)] += n
    return out


def tally(values):
    return {"count": sum(n for _, n in values), "sum_ns": sum(v * n for v, n in values),
            "max_ns": max(v for v, _ in values), "slots": slots(values)}


def spread(v, n):
    """A hump around v: n values."""
    return [(v // 2, n // 4), (v, n // 2), (v * 3 // 2, n // 8), (v * 4, n // 8)]


def classes(wall, shares):
    out = {}
    for name, share in shares.items():
        out[name] = {"ns": round(wall * share), "count": 1000}
        if name in ("user", "system", "stolen"):
            out[name]["count"] = None
    return out


def role(threads, shares, closure=1.0, checked=True):
    wall = threads * SECOND
    return {"threads": threads, "wall_ns": wall, "voluntary": 20000, "involuntary": 12,
            "classes": classes(wall, shares), "closure": closure, "checked": checked}


def probe(**more):
    return {"status": "ok", "reason": None, "hooks": "btf", "events": 90000, "lost": 0,
            "map_full": 0, "untracked": 0, "run_ns": 9000000,
            "programs": [{"name": "on_switch", "hook": "sched_switch", "runs": 60000, "ns": 120},
                         {"name": "on_waking", "hook": "sched_waking", "runs": 30000, "ns": 60}],
            "sampling": {"every": 1, "reason": None}, **more}


COMMIT = ["futex_wait [libc.so.6]", "pthread_mutex_lock [libc.so.6]", "commit_wait (leader.c:88)",
          "wal_append (wal.c:140)", "driver_loop (drive.c:210)", "start_thread [libc.so.6]"]
FLUSH = ["fdatasync [libc.so.6]", "lead (leader.c:61)", "wal_append (wal.c:140)",
         "driver_loop (drive.c:210)", "start_thread [libc.so.6]"]
K_FUTEX = ["futex_wait_queue", "__futex_wait", "futex_wait", "do_futex", "__x64_sys_futex",
           "do_syscall_64"]
K_FLUSH = ["io_schedule", "folio_wait_bit_common", "__filemap_fdatawait_range",
           "file_write_and_wait_range", "ext4_sync_file", "__x64_sys_fdatasync", "do_syscall_64"]


def wal_sched(lost):
    return {**probe(), "lost": lost, "roles": {
        "driver": role(4, {"user": .05, "system": .10, "stolen": .01, "delivery": .06,
                           "run_queue": .08, "futex": .45, "lock": .02, "block": .20,
                           "other": .03}),
        "harness": role(1, {"user": .01, "system": .01, "sleep": .98}, checked=False)},
        "histograms": {
            "driver": {"off_cpu": hist(spread(140000, 8000)),
                       "run_queue": hist(spread(6000, 8000)),
                       "delivery": hist(spread(2500, 8000))},
            "harness": {"off_cpu": hist([(SECOND // 10, 10)]), "run_queue": hist([(3000, 10)]),
                        "delivery": {"unit": "ns", "count": 0, "sum": 0, "min": 0, "max": 0,
                                     "buckets": []}}},
        "wakers": [{"from": "driver", "to": "driver", "class": "futex", "count": 9000,
                    "sum_ns": 1700 * 10**6},
                   {"from": "outside", "to": "driver", "class": "block", "count": 4000,
                    "sum_ns": 800 * 10**6},
                   {"from": "outside", "to": "harness", "class": "sleep", "count": 10,
                    "sum_ns": 980 * 10**6}],
        "waits": [{"role": "driver", "class": "futex", "syscall": "futex", "count": 9000,
                   "sum_ns": 1800 * 10**6, "max_ns": 2 * 10**6},
                  {"role": "driver", "class": "block", "syscall": "fdatasync", "count": 4000,
                   "sum_ns": 800 * 10**6, "max_ns": 3 * 10**6}],
        "stacks": [{"role": "driver", "class": "futex", "syscall": "futex", "kernel": K_FUTEX,
                    "user": COMMIT, "count": 800, "sum_ns": 900 * 10**6, "max_ns": 2 * 10**6},
                   {"role": "driver", "class": "block", "syscall": "fdatasync", "kernel": K_FLUSH,
                    "user": FLUSH, "count": 700, "sum_ns": 500 * 10**6, "max_ns": 3 * 10**6},
                   {"role": "driver", "class": "futex", "syscall": "futex", "kernel": K_FUTEX,
                    "user": None, "count": 90, "sum_ns": 99 * 10**6, "max_ns": 10**6},
                   {"role": "driver", "class": "block", "syscall": "fdatasync",
                    "kernel": ["odd<b>frame", "do_syscall_64"], "user": None, "count": 1,
                    "sum_ns": 10**6, "max_ns": 10**6}],
        "stacked": {"long_waits": 9000, "long_ns": 2400 * 10**6, "kernel": 1591, "user": 1500,
                    "shorter": 0, "unfinished": 0, "interrupts": 0, "unwound": 1500,
                    "dropped": {"no room in the ring buffer": 7}, "failed": {},
                    "truncated": {"too many frames": 2}}}


def wal_probes(repeat):
    waiters = [{"stack": COMMIT, "count": 800, "sum_ns": 900 * 10**6}]
    wakers = [{"stack": ["futex_wake [libc.so.6]", "publish (leader.c:101)",
                         "lead (leader.c:70)"], "count": 300, "sum_ns": 300 * 10**6}]
    futex = {"address": "0x7f%06d010" % repeat, "pid": 1000 + repeat, "calls": 9100,
             "slept": 9000, "again": 100, **tally(spread(160000, 8000)), "wakes": 4000,
             "woke": 3900, "waiters": waiters, "wakers": wakers}
    other = {"address": "0x55%06d020" % repeat, "pid": 1000 + repeat, "calls": 10, "slept": 8,
             "again": 2, **tally([(5000, 8)]), "wakes": 8, "woke": 8, "waiters": [], "wakers": []}
    return {
        "sched": wal_sched(7 if repeat == 1 else 0),
        "lock": {**probe(run_ns=2000000),
                 "kernel": [{"type": "rwsem-write", "caller": "ext4_file_write_iter",
                             "role": "driver", **tally(spread(9000, 8000)),
                             "stack": ["ext4_file_write_iter", "vfs_write", "do_syscall_64"]},
                            {"type": "spin", "caller": "jbd2_log_start_commit",
                             "role": "driver", **tally([(900, 50)]), "stack": []}],
                 "kernel_types": [{"type": "rwsem-write", "role": "driver",
                                   **tally(spread(9000, 8000))},
                                  {"type": "spin", "role": "driver", **tally([(900, 50)])}],
                 "histograms": {"driver": {"kernel": hist(spread(9000, 8000) + [(900, 50)]),
                                           "futex": hist(spread(160000, 8000))}},
                 "futex_calls": [{"role": "driver", "operation": "wait", "calls": 9110,
                                  "slept": 9008, "again": 102, "timed_out": 0, "interrupted": 0,
                                  "woke": 0, "failed": 0},
                                 {"role": "driver", "operation": "wake", "calls": 4008,
                                  "slept": 0, "again": 0, "timed_out": 0, "interrupted": 0,
                                  "woke": 3908, "failed": 0}],
                 "futex": [futex, other]},
        "cqe": {"status": "unsupported", "reason": "tracepoint io_uring:io_uring_complete: "
                "no <such> event"},
        "syscalls": {**probe(), "timing": "exact",
                     "calls": [{"role": "driver", "syscall": "futex", "failed": 102,
                                **tally(spread(150000, 13000))},
                               {"role": "driver", "syscall": "fdatasync", "failed": 0,
                                **tally(spread(200000, 4000))},
                               {"role": "driver", "syscall": "pwrite64", "failed": 0,
                                **tally(spread(7000, 8000))}]},
        "block": {**probe(), "devices": [
            {"device": "vda", "operation": "write", "by": "watched", "bytes": 32768000,
             "failed": 0, **tally(spread(60000, 4000)), "histogram": hist(spread(60000, 4000))},
            {"device": "vda", "operation": "flush", "by": "others", "bytes": 0, "failed": 0,
             **tally(spread(90000, 400)), "histogram": hist(spread(90000, 400))}]},
    }


def nop_probes(repeat):
    ring = {"ring": "0xffff8881%04d" % repeat, "role": "driver", "sq_entries": 64,
            "cq_entries": 128, "submitted": 160000, "completed": 160000, "waits": 5000,
            "cqes_per_wait": 32, "overflows": 0, "punts": 3,
            "opcodes": [{"opcode": "NOP", "submitted": 160000, "completed": 160000, "punts": 3,
                         "failed": {"ECANCELED": 2}, "complete": tally(spread(400, 8000)),
                         "reap": tally(spread(1500, 8000))}]}
    sched = {**probe(), "map_full": 5, "roles": {
        "driver": role(1, {"user": .30, "system": .45, "delivery": .02, "run_queue": .03,
                           "cq": .10}, 0.90)},
        "histograms": {}, "wakers": [], "waits": [], "stacks": [],
        "stacked": {"long_waits": 0, "long_ns": 0, "kernel": 0, "user": 0, "unwound": 0}}
    sched["roles"]["driver"]["classes"]["lock"] = {
        "ns": None, "count": None, "reason": "no contention tracepoints before 5.19"}
    cqe = {**probe(run_ns=None), "reason_run_ns": "the warm-up was too short",
           "sampling": {"every": 64, "reason": "1.3 M/s would cost more than 5 %"},
           "timing": "slices", "reason_timing": "in slices of 4 ms: not to be compared",
           "rings": [ring], "more_rings": 0,
           "histograms": {"NOP": {"complete": hist(spread(400, 8000)),
                                  "reap": hist(spread(1500, 8000)),
                                  "total": hist(spread(1900, 8000))}}}
    return {"sched": sched, "cqe": cqe,
            "block": {"status": "failed", "reason": "block_rq_issue: attach: EPERM"}}


def metric(value, unit, better):
    return {"value": value, "unit": unit, "better": better}


def record(cell_, repeat, order, probed, rate, probes):
    p50 = round(SECOND / rate * cell_["axes"]["threads"] * cell_["axes"]["depth"])
    return {
        "schema": 1, "cell": cell_, "repeat": repeat, "order": order, "seed": "%d" % repeat,
        "probed": probed, "probes": probes, "status": "ok", "reason": None,
        "start": "2026-01-02T03:04:%02d.000Z" % order, "duration": 1.5, "window": WINDOW,
        "metrics": {"throughput": metric(rate, "1/s", "higher"),
                    "latency_p50": metric(p50, "ns", "lower"),
                    "latency_p99": metric(p50 * 3, "ns", "lower")},
        "histograms": {"service": hist(spread(p50, 8000))},
        "series": {"interval_ns": SECOND // 10, "ops": [1], "mean_ns": [1], "steady": True,
                   "drift": 0, "cv": 0},
        "usage": {}, "host": {"steal_ns": 0, "foreign_cpu_ns": 0, "foreign_bpf": []},
        "verify": {}, "errors": {},
        "little": {"throughput": 1, "mean_latency_ns": 1, "in_flight": 1, "nominal": 1,
                   "ratio": 1, "ok": True}, "isolation": {}, "stall": None, "notes": []}


def records():
    order = 0
    for repeat in range(3):
        for cell_, probed in ((WAL, False), (NOP, True), (WAL, True), (NOP, False)):
            if cell_ is WAL:
                rate = (20000 + 1000 * repeat) * (0.9 if probed else 1)
                probes = wal_probes(repeat)
            else:
                rate = 160000 * ((1.02, 0.99, 1.0)[repeat] if probed else 1)
                probes = nop_probes(repeat)
            yield record(cell_, repeat, order, probed, rate, probes if probed else {})
            order += 1


def main(folder):
    matrix = {"name": "probed"}
    manifest = {"schema": 1, "uhbench": "0.1.0", "session": "00000000000000aa",
                "started": "2026-01-02T03:04:05Z", "matrix": matrix, "matrix_hash": "0",
                "seed": "1", "repeats": 3, "order": "shuffle", "warmup_ns": SECOND // 2,
                "duration_ns": SECOND, "deadline_ns": None, "only": None, "pad_iters_per_ns": 1,
                "cells": [WAL, NOP], "runs": 12, "host": {"kernel": "6.1.0"}}
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "manifest.json"), "w") as f:
        json.dump(manifest, f, indent=1)
        f.write("\n")
    with open(os.path.join(folder, "runs.jsonl"), "w") as f:
        for r in records():
            f.write(json.dumps(r, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
