# SPDX-License-Identifier: MIT
"""Do the classes of `sched` come to the wall time, in every cell of the demo?"""
import json
import os

from bench import Failed, Row


def distance(bench):
    """The largest of all roles of all runs, in percent. A driver's must be checked."""
    with open(os.path.join(bench.root, "ci", "matrices", "demo.json"), encoding="utf-8") as f:
        cells = json.load(f)["cells"]
    cells = [{k: v for k, v in c.items() if k != "probes"} for c in cells]
    worst = (0, "")
    for r in bench.records({"cells": cells, "probes": "sched", "warmup": "100ms",
                            "duration": "350ms", "probe_knobs": {"probe_cost": 100}}):
        if not r["probed"]:
            continue
        cell, sched = f'{r["cell"]["workload"]}/{r["cell"]["target"]}', r["probes"]["sched"]
        if sched["status"] != "ok":
            raise Failed(f'{cell}: {sched["reason"]}')
        if not sched["roles"]["driver"]["checked"]:
            raise Failed(f"{cell}: the closure of the driver is not checked")
        worst = max([worst] + [(abs(role["closure"] - 1) * 100, f"{cell} {name}")
                               for name, role in sched["roles"].items()])
    bench.notes.append(f"{worst[0]:.2f} %: {worst[1]}")
    return worst[0]


ROWS = [
    Row("probe-closure", "classes of time against wall time, cells of the demo, largest distance",
        5, distance, unit="%", root=True, rounds=1),
]
