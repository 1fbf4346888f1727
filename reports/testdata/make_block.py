#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the session in block/: a target that tells tables and stages of its own, and one that does
not, two repeats each.

Usage: make_block.py DIR

Told apart must be two cells that are as slow for different reasons: one waits for a lock in every
other request, the other has four threads where there are two processors. The figures are chosen so
that medians and shares can be checked by head.
"""
import json
import os
import sys

from make_probed import CPUS, SECOND, WINDOW, hist, spread

STAGES = [("submit", "application submits", "server has it"),
          ("wait", "server has it", "handler begins"),
          ("handle", "handler begins", "handler ends"),
          ("commit", "handler ends", "server commits"),
          ("complete", "server commits", "application has it")]
KNOBS = {"queues": 1, "lock": "none", "server_threads": 0}
# knobs: throughput, requests per enter, switches, CPU, contended; shares of the stages, in percent
CELLS = [
    ("served", {}, 80000, 5.6, 0.059, 11000, 0, (30, 20, 10, 5, 30)),
    ("served", {"queues": 4, "lock": "sharded"}, 76000, 5.2, 0.07, 12000, 0.002,
     (30, 20, 12, 5, 28)),
    ("served", {"queues": 4, "lock": "global"}, 40000, 4.9, 0.09, 14000, 0.8,
     (10, 10, 65, 5, 8)),
    ("served", {"queues": 4, "server_threads": 2}, 78000, 5.5, 0.08, 12000, 0.001,
     (30, 20, 10, 5, 30)),
    ("served", {"queues": 4, "server_threads": 4}, 39000, 2.6, 0.33, 36000, 0.003,
     (60, 15, 5, 5, 10)),
    ("plain", None, 170000, None, None, None, None, None),
]


def metric(value, unit, better):
    return {"value": value, "unit": unit, "better": better}


def metrics(row, repeat):
    _, _, rate, per_enter, switches, cpu, contended, _ = row
    rate += 1000 * repeat
    out = {"throughput": metric(rate, "1/s", "higher"),
           "errors": metric(0, "1", "lower"),
           "latency_p50": metric(64e9 / rate, "ns", "lower"),
           "latency_p99": metric(3 * 64e9 / rate, "ns", "lower"),
           "read_p50": metric(60e9 / rate, "ns", "lower"),
           "read_p99": metric(180e9 / rate, "ns", "lower"),
           "ops_per_enter": metric(8, "1", "higher")}
    if per_enter:
        out["requests_per_enter"] = metric(per_enter, "1", "higher")
        out["switches_per_request"] = metric(switches, "1", "lower")
        out["server_cpu_per_request"] = metric(cpu, "ns", "lower")
        out["contended_per_request"] = metric(contended, "1", "lower")
        out["write_p50"] = metric(66e9 / rate, "ns", "lower")
        out["write_p99"] = {**metric(None, "ns", "lower"), "reason": "too few <writes>"}
    return out


def queues(row, repeat):
    """Twice the completions in the second repeat, so that the median lies between them."""
    n = row[1].get("queues", 1)
    rows = [[q, row[2] // n * (1 + 2 * repeat) - 10 * q, None if q == 3 else 10000, "cpu <%d>" % q]
            for q in range(n)]
    return {"title": "queues", "says": "completions and CPU time of each <queue>", "rows": rows,
            "columns": [{"name": "queue", "unit": "1"}, {"name": "completions", "unit": "1"},
                        {"name": "CPU", "unit": "ns", "says": "for each request"},
                        {"name": "ran on", "unit": None}],
            "bars": "completions"}


def histograms(row):
    """100 operations of 1 ms, of which the shares come to 95 % in most cells."""
    out = {"service": hist([(10**6, 100)])}
    for (name, _, _), share in zip(STAGES, row[7] or ()):
        out["stage_" + name] = hist([(share * 10**4, 100)])
    if row[7]:
        out["service_read"] = hist(spread(900000, 80))
    return out


def detail(row, repeat):
    stages = [{"name": name, "from": begin, "to": end, "histogram": "stage_" + name}
              for name, begin, end in STAGES]
    return {"queues": queues(row, repeat),
            "stages": {"title": "stages of a request", "of": ["service"], "stages": stages,
                       "joined": 95, "missed": 5},
            "other": ["a shape that no report knows"]}


def record(number, row, repeat):
    out = {"schema": 1, "cell": cell(number, row), "repeat": repeat, "order": repeat * 10 + number,
           "seed": "1", "probed": False, "probes": {}, "status": "ok", "reason": None,
           "start": "2026-01-02T03:04:05.678Z", "duration": 1.5, "window": WINDOW,
           "metrics": metrics(row, repeat), "histograms": histograms(row),
           "series": {"steady": True, "drift": 0, "cv": 0}, "usage": {},
           "host": {"steal_ns": 0, "foreign_cpu_ns": 0}, "verify": {}, "errors": {},
           "little": {"ok": True, "ratio": 1}, "isolation": {}, "stall": None, "notes": []}
    return out if row[1] is None else {**out, "detail": detail(row, repeat)}


def cell(number, row):
    axes = {"threads": 4, "depth": 16, "batch": 1, "rate": 0, "arrival": "fixed", "payload": 4096,
            "cpus": CPUS}
    return {"id": "b%011d" % number, "workload": "block", "target": row[0], "axes": axes,
            "knobs": {} if row[1] is None else {**KNOBS, **row[1]}}


def manifest():
    return {"schema": 1, "uhbench": "0.0.0", "session": "00000000000000bb",
            "started": "2026-01-02T03:04:05Z", "matrix": {"name": "block"}, "matrix_hash": "0",
            "seed": "1", "repeats": 2, "order": "shuffled", "warmup_ns": SECOND,
            "duration_ns": SECOND, "deadline_ns": None, "only": None, "probes": None,
            "cells": [cell(n, row) for n, row in enumerate(CELLS)], "runs": 2 * len(CELLS),
            "host": {"kernel": "6.12.0", "virtualisation": {"hypervisor": "QEMU TCG"}}}


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as f:
        json.dump(manifest(), f, indent=1)
        f.write("\n")
    with open(os.path.join(folder, "runs.jsonl"), "w", encoding="utf-8") as f:
        for repeat in range(2):
            for number, row in enumerate(CELLS):
                json.dump(record(number, row, repeat), f, separators=(",", ":"))
                f.write("\n")


if __name__ == "__main__":
    main()
