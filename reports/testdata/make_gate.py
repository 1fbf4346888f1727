#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes folders of gates, as `uhbench ab` and `run --baseline` leave them.

Usage: make_gate.py KIND DIR [CELLS [PAIRS]]

KIND is `gate` (every verdict, a failed cell, labels that no format may take for its own),
`contaminated`, `stored`, or `large`: CELLS cells of PAIRS pairs, every seventh regressed. What is
drawn comes from a generator with a fixed seed, and figures are rounded: the folders are the same
everywhere.
"""
import json
import math
import os
import random
import sys

GATED = {"effect": 0.05, "matters": 0.025}
STAGES = ["stage1"] * 10 + ["look2"] * 14
ODD = ("command/shell run=a|b & <script>alert(1)</script> `c` $x$ @all #7 http://x.test "
       "%0A::error::no\nsecond line \"q\" \u00b5 \\ [l](m)")


def metric(name, verdict, change, **more):
    """One row of verdicts.json; change is the estimate, None where there is none."""
    out = {"metric": name, "unit": "1/s", "better": "higher", "channel": "time", "gated": True,
           "verdict": verdict, "estimate": change, "low": None, "high": None, "p": 0.4,
           "p_adjusted": None, "stage": "stage1", "n1": 10, "n2": 0, "mde": 0.041, **GATED,
           "base": 6370, "head": None, "why": None}
    if change is not None:
        out.update(low=round(change - 0.021, 6), high=round(change + 0.021, 6),
                   head=round(6370 / (1 + change)))
    return {**out, **more}


def count(name, verdict, change, base, **more):
    return metric(name, verdict, change, unit="1", better="lower", channel="count", gated=False,
                  **{"base": base, "head": round(base * (1 + change), 4), **more})


def cell(number, label, metrics, **more):
    return {"cell": "%012x" % (0xabc000 + number), "label": label, "failed": None, "pairs": 24,
            "discarded": {"base": 0, "head": 0, "both": 0}, "metrics": metrics, **more}


def document(kind, verdict, code, line, cells, **more):
    gated = [m["verdict"] for c in cells for m in c["metrics"] if m["gated"]]
    counts = {v: gated.count(v) for v in
              ("regressed", "improved", "unchanged", "inconclusive", "failed")}
    return {"schema": 1, "kind": kind, "gate": "00c0ffee00c0ffee", "name": "storage",
            "base": "5e56cfe", "head": "7cb1e8a", "verdict": verdict, "exit_code": code,
            "line": line, "params": {"alpha": 0.01, "margin": 0.01, "margin_from": "default"},
            "counts": counts,
            "control": {"pairs": 24, "estimate": 0.0012, "low": -0.0034, "high": 0.0051, "p": 0.43,
                        "contaminated": False},
            "pairs": sum(c["pairs"] for c in cells) + 24, "discarded": 3, "duration": 312.4,
            "sees": 0.041, "cells": cells, **more}


def every_verdict():
    regressed = {"p": 0.00002, "p_adjusted": 0.00004, "stage": "stage2", "n2": 31}
    return [
        cell(0, "udp/sendto payload=64", [metric("throughput", "failed", None, n1=4)], pairs=5,
             failed={"side": "head", "status": "stalled",
                     "reason": "no end within 12 s: <driver> sat in futex"}),
        cell(1, "wal/group threads=8",
             [metric("throughput", "regressed", 0.062, **regressed),
              metric("latency_p99", "unchanged", 0.011, unit="ns", better="lower", gated=False,
                     base=236000, head=238600, effect=0.15),
              count("switches", "regressed", 0.31, 2.0, p=0.0001),
              count("fsyncs", "unchanged", 0.0, 0.125)], pairs=42,
             discarded={"base": 1, "head": 0, "both": 1}),
        cell(2, ODD, [metric("throughput", "regressed", 0.24, **regressed)], pairs=41),
        cell(3, "netlink/recvmsg", [metric("throughput", "inconclusive", 0.012, low=-0.031,
                                           high=0.072, mde=0.13, stage="look2", n1=24,
                                           why="sees +13 % with 24 pairs, asked for +5 %")]),
        cell(4, "udp/gso", [metric("throughput", "inconclusive", None, mde=None, n1=0,
                                   why="more than a fifth of its pairs were disturbed")]),
        cell(5, "nop/uring batch=32", [metric("throughput", "improved", -0.093, p=0.001)]),
        cell(6, "nop/null", [metric("throughput", "unchanged", 0.0004),
                             count("switches", "unchanged", 0.0, 0.0)]),
        cell(8, "block/ublk", [metric("throughput", "skipped", None, n1=0)], pairs=1,
             failed={"side": "both", "status": "unsupported",
                     "reason": "this kernel has no ublk_drv"}),
        cell(7, "wal/sync", [metric("throughput", "unchanged", -0.0049),
                             count("switches", "improved", -0.12, 3.0),
                             count("syscalls", "inconclusive", 0.02, 2.0, why="few pairs")]),
    ]


def side(row, value):
    kind = "counts" if row["channel"] == "count" else "metrics"
    return {kind: {row["metric"]: value}}


def run(metrics, values):
    out = {"start": "2026-01-02T03:04:05.678Z", "operations": 100000, "metrics": {}, "counts": {},
           "host": {}}
    for row, value in zip(metrics, values):
        for kind, named in side(row, value).items():
            out[kind].update(named)
    return out


def head_of(row, rng):
    """A pair of values whose effect scatters around the row's estimate."""
    change = (row["estimate"] or 0) + 0.02 * rng.gauss(0, 1) + 0.005
    change += 0.6 if rng.random() < 0.02 else 0  # a stall
    base = row["base"] * math.exp(0.03 * rng.gauss(0, 1))
    if row["better"] == "higher":
        return round(base, 3), round(base / (1 + change), 3)
    return round(base, 6), round(base * (1 + change), 6)


def pair(number, where, stage, metrics, rng, **more):
    values = [head_of(row, rng) for row in metrics]
    discarded = {"reason": "steal", "side": "base"} if number % 53 == 5 else None
    return {"schema": 1, "pair": number, "round": number % 60, "stage": stage, "cell": where,
            "control": False, "first": rng.choice(["base", "head"]), "seed": str(number),
            "builds": {"base": 0, "head": 0}, "start": "2026-01-02T03:04:05.678Z",
            "discarded": discarded, "failed": None,
            "base": run(metrics, [b for b, _ in values]),
            "head": run(metrics, [h for _, h in values]), **more}


def pairs_of(cells):
    rng = random.Random(5)
    out = []
    for c in cells:
        fresh = max([m["n2"] for m in c["metrics"]] + [0])
        stages = (STAGES[:10] if fresh else STAGES) + ["stage2"] * fresh
        for stage in stages[:c["pairs"]]:
            out.append(pair(len(out), c["cell"], stage, c["metrics"], rng))
        if c["failed"]:
            out[-1].update(head=None, failed=c["failed"])
    for _ in range(24):
        out.append(pair(len(out), cells[0]["cell"], "stage1", [metric("throughput", "", 0)], rng,
                        control=True))
    return out


def gate_json(cells):
    host = {"kernel": "6.18.5", "cpu": {"model": "AMD EPYC", "online": 2},
            "filesystem": {"type": "ext4"}}
    return {"schema": 1, "kind": "paired", "uhbench": "0.1.0", "gate": "00c0ffee00c0ffee",
            "started": "2026-01-02T03:04:05Z", "matrix": {"name": "storage"}, "matrix_hash": "0",
            "seed": "1", "params": {}, "base": {"revision": "5e56cfe"},
            "head": {"revision": "7cb1e8a"}, "host": host,
            "cells": [{"cell": {"id": c["cell"]}, "label": c["label"],
                       "metrics": [{"metric": m["metric"], "unit": m["unit"],
                                    "better": m["better"], "channel": m["channel"],
                                    "effect": m["effect"], "matters": m["matters"],
                                    "floor": 0.05 if m["channel"] == "count" else None,
                                    "gated": m["gated"]} for m in c["metrics"]]}
                      for c in cells]}


def make_gate():
    cells = every_verdict()
    line = "head stalled in udp/sendto payload=64; 2 of 8 metrics regressed, the worst "\
           "command/shell throughput by 24 %"
    return document("paired", "failed", 3, line, cells), cells


def make_contaminated():
    cells = [c for c in every_verdict() if not c["failed"]][:3]
    control = {"pairs": 24, "estimate": 0.031, "low": 0.02, "high": 0.043, "p": 0.00004,
               "contaminated": True}
    line = "contaminated: base differs from a copy of itself by 3.1 %"
    return document("paired", "contaminated", 5, line, cells, control=control), cells


def make_stored():
    wide = {"mde": 0.13, "stage": None, "n1": 7, "n2": None}
    cells = [cell(0, "nop/null", [metric("throughput", "regressed", 0.62, p=0.0003,
                                         p_adjusted=0.0006, low=0.49, high=0.76, **wide)]),
             cell(1, "wal/sync", [metric("throughput", "unchanged", 0.021, low=-0.096, high=0.154,
                                         **wide)]),
             cell(2, "wal/group", [metric("throughput", "inconclusive", None, mde=None, stage=None,
                                          n1=3, why="3 sessions of 5: 2 more are needed")])]
    return document("stored", "regressed", 1, "regressed: nop/null throughput by 62 %", cells,
                    base="baseline main, 7 sessions", control=None, pairs=None, discarded=None,
                    duration=None, sees=0.13), None


def make_large(n_cells, n_pairs):
    cells = []
    for i in range(n_cells):
        bad = i % 7 == 0
        more = {"stage": "stage2", "n2": n_pairs - 10, "p": 0.00001, "p_adjusted": 0.001} \
            if bad else {"stage": "look2", "n1": min(n_pairs, 24)}
        metrics = [metric("throughput", "regressed" if bad else "unchanged",
                          0.05 + i / 10000 if bad else 0.001, **more)]
        metrics += [metric("latency_" + q, "unchanged", 0.001, unit="ns", better="lower",
                           gated=False, base=236000, head=236100) for q in ("p50", "p99")]
        metrics += [count(name, "unchanged", 0.0, 2.0)
                    for name in ("switches", "syscalls", "futex_waits", "punts", "fsyncs")]
        cells.append(cell(i, "wal/group threads=%d depth=%d with a label | of some length"
                          % (i % 16, i), metrics, pairs=n_pairs))
    n = sum(1 for i in range(n_cells) if i % 7 == 0)
    return document("paired", "regressed", 1, "regressed: %d of %d cells" % (n, n_cells),
                    cells), cells


def write(folder, verdicts, cells):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "verdicts.json"), "w", encoding="utf-8") as f:
        json.dump(verdicts, f, indent=1)
        f.write("\n")
    if cells is None:
        return
    with open(os.path.join(folder, "gate.json"), "w", encoding="utf-8") as f:
        json.dump(gate_json(cells), f)
        f.write("\n")
    with open(os.path.join(folder, "pairs.jsonl"), "w", encoding="utf-8") as f:
        for item in pairs_of(cells):
            f.write(json.dumps(item, separators=(",", ":")) + "\n")


def main():
    kind, folder = sys.argv[1:3]
    if kind == "large":
        made = make_large(*(int(n) for n in sys.argv[3:5]))
    else:
        made = {"gate": make_gate, "contaminated": make_contaminated, "stored": make_stored}[kind]()
    write(folder, *made)


if __name__ == "__main__":
    main()
