# SPDX-License-Identifier: MIT
"""What probes cost: cells with them against the same cells without, in turn within one session."""
import json
import math
import os
import statistics

from bench import Failed, Row, throughput

AT_LEAST = 0.95  # of the throughput without
REPEATS = 3


def name_of(record):
    cell = record["cell"]
    axes = cell["axes"]
    return (f"{cell['workload']}/{cell['target']} {axes['threads']}x{axes['depth']}"
            f" batch {axes['batch']} payload {axes['payload']}")


def watched(cells, probes):
    """Both figures of a round: geometric means over the cells' medians, since a disk that stalls
    once would decide alone, and a note on the dearest cell."""
    def pair(bench):
        by_cell = {}
        chosen = cells(bench) if callable(cells) else cells
        for r in bench.records({"cells": chosen, "probes": probes, "warmup": "200ms",
                                "duration": "700ms", "repeats": REPEATS}):
            cell = by_cell.setdefault(r["cell"]["id"], {True: [], False: []})
            cell[r["probed"]].append(r)
        both = [(*(statistics.median(map(throughput, c[probed])) for probed in (True, False)),
                 name_of(c[True][0])) for c in by_cell.values()]
        worst = min(both, key=lambda b: b[0] / b[1])
        bench.notes.append(f"dearest of {len(both)} cells: {worst[0] / worst[1]:.3f} {worst[2]}")
        for r in (r for c in by_cell.values() for r in c[True]):
            for probe, told in r["probes"].items():
                if told["status"] != "ok":  # what does not watch costs nothing
                    raise Failed(f"{name_of(r)}: {probe}: {told['reason']}")
        return tuple(math.exp(sum(math.log(b[i]) for b in both) / len(both)) for i in (0, 1))
    return pair


def demo(workload):
    """The cells of the demo of one workload."""
    def cells(bench):
        with open(os.path.join(bench.root, "ci", "matrices", "demo.json"), encoding="utf-8") as f:
            entries = json.load(f)["cells"]
        return [{k: v for k, v in e.items() if k != "probes"}
                for e in entries if e["workload"] == workload]
    return cells


def udp(target, batch):
    return [{"workload": "udp", "target": target, "depth": batch, "batch": batch}]


ROWS = [
    Row("probe-cost-wal", "wal cells of the demo, all probes : none", AT_LEAST,
        pair=watched(demo("wal"), "all")),
    Row("probe-cost-netlink", "netlink cells of the demo, all probes : none", AT_LEAST,
        pair=watched(demo("netlink"), "all")),
    Row("probe-cost-udp", "udp/sendto, sched and lock : none", AT_LEAST,
        pair=watched(udp("sendto", 1), ["sched", "lock"])),
    Row("probe-cost-udp-uring", "udp/uring, sched and lock : none", AT_LEAST,
        pair=watched(udp("uring", 64), ["sched", "lock"])),
    Row("probe-cost-syscalls", "udp/sendto, syscalls and cqe : none", 0.90,
        pair=watched(udp("sendto", 1), ["syscalls", "cqe"])),
    Row("probe-cost-cqe", "udp/uring, syscalls and cqe, sampled : none", 0.90,
        pair=watched(udp("uring", 64), ["syscalls", "cqe"])),
]
for row in ROWS:
    row.root = True
