#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ci/matrices/ublk-scaling.json in a virtual machine, once: every cell runs, what its target tells
has the shape of results/README.md, adds up, and reaches every format of the report.

Usage: test_scaling_vm.py UHBENCH
"""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None
MATRIX = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                      "ci", "matrices", "ublk-scaling.json")


def report(folder, *args):
    return subprocess.run([UHBENCH, "report", folder, *args], check=True, text=True, timeout=60,
                          stdout=subprocess.PIPE).stdout


class Scaling(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="uhbench-scaling-")
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.session = os.path.join(cls.dir, "session")
        done = subprocess.run([UHBENCH, "vm", "--cpus", "4", "--", "run", MATRIX, "--repeats", "1",
                               "-o", cls.session], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, timeout=500)
        if done.returncode == 77:
            print("uhbench vm cannot boot here, see above")
            sys.exit(77)
        if done.returncode:
            raise AssertionError(f"uhbench vm exits {done.returncode}: {done.stdout[-2000:]}")
        with open(os.path.join(cls.session, "runs.jsonl"), encoding="utf-8") as f:
            cls.records = [json.loads(line) for line in f]

    def served(self):
        found = [r for r in self.records if r["cell"]["target"] == "ublk"]
        self.assertGreater(len(found), 10)
        return found

    def split(self):
        found = [r for r in self.served() if r["cell"]["knobs"]["stages"]]
        self.assertGreater(len(found), 4)
        return found

    def test_all_cells_ran(self):
        with open(os.path.join(self.session, "manifest.json"), encoding="utf-8") as f:
            self.assertEqual(len(self.records), len(json.load(f)["cells"]))
        for r in self.records:
            self.assertEqual(r["status"], "ok", r["reason"])
            self.assertEqual(r["errors"], {})

    def test_tables(self):
        for r in self.served():
            knobs, queues = r["cell"]["knobs"], r["detail"]["queues"]
            self.assertEqual([row[0] for row in queues["rows"]], list(range(knobs["queues"])))
            for row in queues["rows"]:
                self.assertEqual(len(row), len(queues["columns"]))
            self.assertIn(queues["bars"], [c["name"] for c in queues["columns"]])
            self.assertGreater(sum(row[1] for row in queues["rows"]), 0)

    def test_stages_add_up(self):
        for r in self.split():
            stages, h = r["detail"]["stages"], r["histograms"]
            counts = {h[s["histogram"]]["count"] for s in stages["stages"]}
            self.assertEqual(counts, {stages["joined"]})
            for a, b in zip(stages["stages"], stages["stages"][1:]):
                self.assertEqual(a["to"], b["from"])
            of = [h[name] for name in stages["of"] if name in h]
            whole, most = (sum(x["sum"] for x in of), max(x["max"] for x in of))
            known = sum(h[s["histogram"]]["sum"] for s in stages["stages"])
            # The clock is read twice for a batch at the edge of the window.
            self.assertLess(known, 1.01 * whole + 64 * most)
            self.assertLess(stages["joined"], sum(x["count"] for x in of) + 4 * 64)
            self.assertGreater(stages["joined"], 0.5 * (stages["joined"] + stages["missed"]))

    def test_report(self):
        document = json.loads(report(self.session, "--format", "json"))
        hypervisor = document["manifest"]["host"]["virtualisation"]["hypervisor"]
        self.assertEqual(document["emulated"], hypervisor == "QEMU TCG")
        for cell in document["cells"]:
            if cell["cell"]["target"] != "ublk":
                continue
            if cell["cell"]["knobs"]["stages"]:
                self.assertGreater(cell["detail"]["stages"]["of_sum_ns"], 0)
            for name in ("requests_per_enter", "server_switches_per_io", "server_cpu_per_io",
                         "contended_per_io", "lock_wait_per_io"):
                self.assertTrue(math.isfinite(cell["metrics"][name]["median"]), name)
        text = report(self.session, "--format", "text")
        self.assertEqual("emulated processor" in text, document["emulated"])
        self.assertIn("4 queues: completions", text)
        self.assertIn("/3/completions,", report(self.session, "--format", "csv"))
        page = os.path.join(self.dir, "page.html")
        report(self.session, "--format", "html", "--no-plots", "-o", page)
        with open(page, encoding="utf-8") as f:
            self.assertIn("requests per enter", f.read())

    def test_lock_that_is_contended(self):
        """Of cells with a lock, the global one of four queues is contended the most."""
        by_lock = {(r["cell"]["knobs"]["lock"], r["cell"]["knobs"]["queues"]):
                   r["metrics"]["contended_per_io"]["value"] for r in self.served()}
        self.assertEqual(by_lock["global", 1], 0)
        self.assertEqual(by_lock["none", 4], 0)
        self.assertGreater(by_lock["global", 4], by_lock["sharded", 4])


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main()
