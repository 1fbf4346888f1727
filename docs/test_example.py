# SPDX-License-Identifier: MIT
"""Runs the target of docs/example_target.c for real, and looks at what it measured.

    test_example.py UHBENCH-WITH-THE-EXAMPLE
"""
import json
import os
import subprocess
import sys
import tempfile

CALLS = [1, 50]
MATRIX = {
    "repeats": 1, "warmup": "20ms", "duration": "100ms",
    "cells": [{"workload": "nop", "target": "getppid", "with": {"calls": CALLS}}],
}


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as work:
        matrix, results = os.path.join(work, "matrix.json"), os.path.join(work, "results")
        with open(matrix, "w", encoding="utf-8") as f:
            json.dump(MATRIX, f)
        subprocess.run([program, "run", matrix, "-o", results], check=True)
        with open(os.path.join(results, "runs.jsonl"), encoding="utf-8") as f:
            records = [json.loads(line) for line in f]
        wrong = {"workload": "nop", "target": "getppid", "with": {"cals": 1}}
        with open(matrix, "w", encoding="utf-8") as f:
            json.dump({"cells": [wrong]}, f)
        refused = subprocess.run([program, "validate", matrix], capture_output=True, text=True,
                                 check=False)
    rates = {r["cell"]["knobs"]["calls"]: r["metrics"]["throughput"]["value"] for r in records}
    if any(r["status"] != "ok" for r in records) or sorted(rates) != CALLS:
        sys.exit(f"not the runs that were asked for: {records}")
    # 50 calls take longer than one; how much longer is the machine's business.
    if rates[1] < 3 * rates[50]:
        sys.exit(f"the knob does nothing: {rates}")
    if refused.returncode != 2 or '"calls"' not in refused.stderr:
        sys.exit(f"a wrong knob is not named with the right one: {refused.stderr}")


if __name__ == "__main__":
    main()
