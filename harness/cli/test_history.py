#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`uhbench history` over folders that a real run left, and copies of them with figures of our own.

Usage: test_history.py UHBENCH
"""
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

UHBENCH = None
NOISE = [0.2, -0.1, 0.3, -0.3, 0.1, -0.2]  # percent; no two of a level are alike


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.mkdtemp(prefix="uhbench-history-")
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        matrix = os.path.join(cls.top, "m.json")
        with open(matrix, "w") as f:
            json.dump({"warmup": "5ms", "duration": "60ms", "repeats": 2,
                       "cells": [{"workload": "nop", "target": "null", "depth": [1, 4],
                                  "batch": 1}]}, f)
        p = subprocess.run([UHBENCH, "run", matrix, "-o", os.path.join(cls.top, "real", "first")],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stderr
        assert "not in a history" not in p.stderr, p.stderr
        cls.matrix, cls.real = matrix, os.path.join(cls.top, "real")

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="results-", dir=self.top)
        self.store = os.path.join(self.dir, "history.sqlite")

    def uhbench(self, *args, code=0):
        p = subprocess.run([UHBENCH, *args], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p

    def series(self, *args):
        return json.loads(self.uhbench("history", "--json", *args, self.dir).stdout)["series"]

    def session(self, number, throughput, latency=100, yardstick=None):
        """A copy of the real session, as if it were another with these figures."""
        folder = os.path.join(self.dir, f"s{number:02}")
        shutil.copytree(os.path.join(self.real, "first"), folder)
        path = os.path.join(folder, "manifest.json")
        with open(path) as f:
            manifest = json.load(f)
        manifest["session"] = f"{number:016x}"
        manifest["started"] = f"2026-01-{number + 1:02}T12:00:00.000Z"
        manifest["host"]["build"]["revision"] = f"rev{number}"
        with open(path, "w") as f:
            json.dump(manifest, f)
        path = os.path.join(folder, "runs.jsonl")
        with open(path) as f:
            records = [json.loads(line) for line in f]
        with open(path, "w") as f:
            for r in records:
                r["metrics"]["throughput"]["value"] = throughput * (1 + r["repeat"] / 1000)
                r["metrics"]["latency_mean"]["value"] = latency
                f.write(json.dumps(r) + "\n")
        path = os.path.join(folder, "yardsticks.jsonl")
        os.unlink(path)
        if yardstick:
            with open(path, "w") as f:
                for at in ("begin", "end"):
                    f.write(json.dumps({"schema": 1, "at": at, "time": manifest["started"],
                                        "yardsticks": {"spin": {"version": 1, "ns": yardstick,
                                                                "low": yardstick,
                                                                "high": yardstick}}}) + "\n")
        return folder

    def with_step(self, n=12, by=0.95):
        for i in range(n):
            self.session(i, 1e6 * (1 + NOISE[i % 6] / 100) * (by if i >= n // 2 else 1))

    def rows(self, path=None):
        with sqlite3.connect(path or self.store) as db:
            return {t: sorted(db.execute(f"SELECT * FROM {t}"))
                    for t in ("session", "cell", "machine", "yardstick", "value")}

    def medians(self, metric):
        with sqlite3.connect(self.store) as db:
            return dict(db.execute("SELECT cell, median FROM value WHERE metric = ?", [metric]))


class Steps(Case):
    def test_a_run_is_in_the_history(self):
        self.dir = self.real
        self.assertEqual([len(s["points"]) for s in self.series()], [1, 1])
        self.uhbench("run", self.matrix, "-o", os.path.join(self.real, "second"))
        series = self.series()
        self.assertEqual([s["label"] for s in series], ["nop/null", "nop/null depth=4"])
        with open(os.path.join(self.real, "second", "runs.jsonl")) as f:
            values = sorted(r["metrics"]["throughput"]["value"] for r in map(json.loads, f)
                            if r["cell"]["id"] == series[0]["cell"])
        point = series[0]["points"][1]
        self.assertEqual((point["folder"], point["runs"]), ("second", 2))
        self.assertAlmostEqual(point["measured"], sum(values) / 2, delta=1)
        self.assertAlmostEqual(point["min"], values[0], delta=1)
        self.assertFalse([f for f in os.listdir(self.real) if f.startswith("history.sqlite-")])

    def test_step_is_found(self):
        self.with_step()
        text = self.uhbench("history", "--rebuild", "--cell", "nop/null depth=4", self.dir).stdout
        self.assertRegex(text, r"worse +-5\.\d %.*since 2026-01-07T12:00 \(s06, revision rev6; "
                               r"before: s05, rev5\)")
        for s in self.series():
            self.assertEqual(len(s["points"]), 12)
            (step,) = s["steps"]
            self.assertEqual((step["at"], step["is"], step["session"], step["revision_before"]),
                             (6, "worse", f"{6:016x}", "rev5"))
            self.assertAlmostEqual(step["step"], -0.05, delta=0.003)
            self.assertFalse(s["unreliable"])

    def test_faster_is_better_and_small_is_nothing(self):
        self.with_step(by=1.06)
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual([x["is"] for s in self.series() for x in s["steps"]], ["better"] * 2)
        shutil.rmtree(self.dir)
        os.mkdir(self.dir)
        self.with_step(by=0.985)
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual([s["steps"] for s in self.series()], [[], []])

    def test_too_few(self):
        self.with_step(n=11)
        text = self.uhbench("history", "--rebuild", self.dir).stdout
        self.assertIn("steps can be told from 12 sessions on", text)
        self.assertFalse(self.series()[0]["enough"])

    def test_yardstick_takes_the_machine_out(self):
        """A machine that was 20 % slower for a while: no step, but with one of the program's own."""
        for i in range(24):
            slow = 1.2 if 5 <= i < 15 else 1
            own = 0.94 if i >= 12 else 1
            self.session(i, 1e6 * own / slow * (1 + NOISE[i % 6] / 100),
                         yardstick=50 * slow if i not in (11, 23) else None)
        text = self.uhbench("history", "--rebuild", self.dir).stdout
        self.assertIn("; 2 without it are left out", text)
        self.assertIn("(s12, revision rev12; before: s10, rev10)", text)
        s = self.series()[0]
        self.assertEqual(s["yardstick"], "spin")
        self.assertEqual([i for i, p in enumerate(s["points"]) if p["value"] is None], [11, 23])
        self.assertEqual([x["at"] for x in s["steps"]], [12])
        if shutil.which("gnuplot"):
            picture = os.path.join(self.dir, "trend.svg")
            self.uhbench("history", "--svg", picture, "--cell", "nop/null depth=4", self.dir)
            with open(picture, encoding="utf-8") as f:
                self.assertGreaterEqual(f.read().count("gpPt6"), 22)
        self.assertAlmostEqual(s["steps"][0]["step"], -0.06, delta=0.003)
        s = self.series("--metric", "latency_mean")[0]  # steady as it is: the ratio would not be
        self.assertIsNone(s["yardstick"])
        self.assertEqual(s["steps"], [])

    def change(self, name, change):
        """What change() makes of a session's manifest and records."""
        manifest, runs = (os.path.join(self.dir, name, f) for f in ("manifest.json", "runs.jsonl"))
        with open(manifest, encoding="utf-8") as f:
            m = json.load(f)
        with open(runs, encoding="utf-8") as f:
            records = [json.loads(line) for line in f]
        change(m, records)
        with open(manifest, "w", encoding="utf-8") as f:
            json.dump(m, f)
        with open(runs, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in records)

    def test_what_cannot_be_compared_is_told_apart(self):
        """Machines, lengths of windows, and units that a metric has got."""
        def unit(_, records):
            for r in records:
                r["metrics"]["throughput"]["unit"] = "1/min"
        self.with_step(n=6)
        self.change("s05", lambda m, _: m["host"].update(kernel="9.9.9"))
        self.change("s04", lambda m, _: m.update(duration_ns=5e9))
        self.change("s03", lambda m, _: m.update(warmup_ns=1e9))
        self.change("s02", unit)
        text = self.uhbench("history", "--rebuild", "--cell", "nop/null", self.dir).stdout
        self.assertEqual(
            sorted((s["duration_ns"], s["warmup_ns"], s["unit"], len(s["points"]))
                   for s in self.series("--cell", "nop/null depth=4")),
            [(6e7, 5e6, "1/min", 1), (6e7, 5e6, "1/s", 1), (6e7, 5e6, "1/s", 2),
             (6e7, 1e9, "1/s", 1), (5e9, 5e6, "1/s", 1)])
        for windows in ("2 sessions of 60 ms after 5 ms,", "1 session of 5 s after 5 ms,",
                        "1 session of 60 ms after 1 s,"):
            self.assertIn(windows, text)

    def test_disturbed_sessions_are_marked(self):
        self.with_step(n=4)
        self.change("s01", lambda m, _: m.update(concurrent=True))
        self.change("s02", lambda _, records: records.pop())
        self.change("s03", lambda m, records: (m.update(concurrent=True), records.pop()))
        text = self.uhbench("history", "--rebuild", self.dir).stdout
        self.assertIn("2 sessions were allowed beside others: the last is s03\n", text)
        self.assertIn("2 sessions were unfinished: the last is s03\n", text)
        self.assertEqual([p["remark"] for p in self.series()[0]["points"]],
                         ["", "concurrent", "unfinished", "concurrent, unfinished"])

    def test_nothing_foreign_gets_to_the_terminal(self):
        """Names, labels and revisions that are to clear it, and to set its title."""
        bad = "\x1b[2J\x1b]0;owned\a\u009b2J"
        self.with_step(n=14)
        for i in range(5, 9):
            os.rename(os.path.join(self.dir, f"s{i:02}"), os.path.join(self.dir, f"s{i:02}{bad}"))
        path = os.path.join(self.dir, "s07" + bad, "manifest.json")
        with open(path, encoding="utf-8") as f:
            manifest = json.load(f)
        manifest["host"]["build"]["revision"] = "r" + bad
        manifest["cells"][0]["label"] = "nop" + bad
        with open(path, "w", encoding="utf-8") as f:
            json.dump(manifest, f)
        with open(os.path.join(self.dir, "s05" + bad, "runs.jsonl"), "r+", encoding="utf-8") as f:
            f.write("{]")
        p = self.uhbench("history", "--rebuild", self.dir, code=3)
        self.assertIn("s07 [2J ]0;owned", p.stdout)
        self.assertIn("/s05 [2J ]0;owned", p.stderr)
        for text in (p.stdout, p.stderr):
            self.assertFalse([c for c in text if not c.isprintable() and c != "\n"], repr(text))
        p = self.uhbench("history", self.dir + "/none" + bad, code=2)
        self.assertIn("/none [2J ]0;owned", p.stderr)
        self.assertNotIn("\x1b", p.stderr)

    def test_svg(self):
        self.with_step()
        path = os.path.join(self.dir, "trend.svg")
        if not shutil.which("gnuplot"):
            p = self.uhbench("history", "--rebuild", "--svg", path, self.dir, code=3)
            self.assertIn("gnuplot-nox", p.stderr)
            return
        self.uhbench("history", "--rebuild", "--svg", path, self.dir)
        with open(path) as f:
            text = f.read()
        dom = xml.dom.minidom.parseString(text)
        self.assertEqual(dom.documentElement.tagName, "svg")
        self.assertGreaterEqual(text.count("gpPt6"), 24)  # a dot for each value
        self.assertIn("nop/null depth=4", text)
        self.assertIn("2026-01-01", text)
        self.assertNotIn("var(--", text)

    @unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
    def test_svg_goes_where_it_is_told(self):
        """Into a pipe, and through a link: neither is replaced."""
        self.with_step(n=2)
        pipe, link, file = (os.path.join(self.dir, n) for n in ("pipe", "link", "file"))
        os.mkfifo(pipe)
        with open(file, "w", encoding="utf-8") as f:
            f.write("old")
        os.symlink(file, link)
        with subprocess.Popen(["timeout", "20", "cat", pipe], stdout=subprocess.PIPE,
                              text=True) as reader:
            self.uhbench("history", "--rebuild", "--svg", pipe, self.dir)
            self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
            text = reader.communicate()[0]
        self.uhbench("history", "--svg", link, self.dir)
        self.assertTrue(os.path.islink(link))
        with open(file, encoding="utf-8") as f:
            self.assertEqual(f.read(), text)
        self.assertIn("</svg>", text)

    def test_svg_cannot_be_written(self):
        self.with_step(n=2)
        p = self.uhbench("history", "--rebuild", "--svg", "/proc/no.svg", self.dir, code=3)
        self.assertIn("/proc/no.svg" if shutil.which("gnuplot") else "gnuplot", p.stderr)


class Gates(Case):
    def gate(self, number, ratio, base="a" * 64, verdict="passed", code=0, **more):
        folder = os.path.join(self.dir, f"g{number:02}")
        os.mkdir(folder)
        with open(os.path.join(self.real, "first", "manifest.json")) as f:
            manifest = json.load(f)
        cell = {k: v for k, v in manifest["cells"][0].items() if k != "label"}
        metric = {"metric": "throughput", "unit": "1/s", "better": "higher"}
        gate = {"schema": 1, "kind": "paired", "uhbench": "0.1.0", "gate": f"{number:016x}",
                "started": f"2026-02-{number + 1:02}T12:00:00.000Z", "host": manifest["host"],
                "ended": "complete",
                "base": {"sha256": [base], "set": []},
                "head": {"sha256": ["b" * 64], "revision": f"rev{number}", "set": []},
                "cells": [{"cell": cell, "label": "nop/null", "metrics": [metric]}], **more}
        verdicts = {"schema": 1, "kind": "paired", "gate": gate["gate"], "verdict": verdict,
                    "exit_code": code, "counts": {"failed": 0},
                    "cells": [{"cell": cell["id"], "label": "nop/null",
                               "metrics": [{**metric, "estimate": ratio - 1, "low": ratio - 1.01,
                                            "high": ratio - 0.99, "n1": 10, "n2": 0}]}]}
        for name, data in (("gate.json", gate), ("verdicts.json", verdicts)):
            with open(os.path.join(folder, name), "w") as f:
                json.dump(data, f)
        return folder

    def test_gates_against_a_pinned_base(self):
        for i in range(14):
            self.gate(i, 1 + NOISE[i % 6] / 100 + (0.05 if i >= 7 else 0))
        self.gate(14, 1.3, base="c" * 64)
        self.gate(15, 9, verdict="contaminated", code=5)
        self.gate(16, 9, verdict="failed", code=3)  # its control did: no cell
        self.gate(17, 9, verdict="inconclusive", code=5)  # it had too few pairs of it
        text = self.uhbench("history", "--rebuild", self.dir).stdout
        self.assertNotIn("unfinished", text)
        one, other = self.series()
        self.assertEqual((one["reference"], other["reference"]), ("a" * 12, "c" * 12))
        self.assertEqual((len(one["points"]), len(other["points"])), (14, 1))
        self.assertEqual([(x["at"], x["is"]) for x in one["steps"]], [(7, "worse")])
        self.assertEqual(one["steps"][0]["revision"], "rev7")

    def test_interrupted_gates_are_marked(self):
        self.gate(1, 1.1, ended="budget")
        self.gate(2, 1.1, ended="interrupted", verdict="inconclusive", code=130)
        self.gate(3, 1.1, ended=None)
        text = self.uhbench("history", "--rebuild", self.dir).stdout
        self.assertIn("2 sessions were unfinished: the last is g03\n", text)
        self.assertEqual([p["remark"] for p in self.series()[0]["points"]],
                         ["", "unfinished", "unfinished"])

    def test_a_gate_is_in_the_history(self):
        """A real one: work_ns raised from nothing."""
        matrix = os.path.join(self.dir, "m.json")
        with open(matrix, "w") as f:
            json.dump({"warmup": "5ms", "duration": "20ms",
                       "cells": [{"workload": "nop", "target": "null"}]}, f)
        p = subprocess.run([UHBENCH, "ab", matrix, "--base-set", "nop.work_ns=0",
                            "--head-set", "nop.work_ns=2000", "--max-foreign", "100%",
                            "--max-steal", "100%", "-o", os.path.join(self.dir, "gate")],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        with open(os.path.join(self.dir, "gate", "verdicts.json")) as f:
            verdicts = json.load(f)
        self.assertEqual(p.returncode, verdicts["exit_code"], p.stderr)
        said = {c["cell"]: m["estimate"] for c in verdicts["cells"] for m in c["metrics"]
                if m["metric"] == "throughput" and m["estimate"] is not None}
        rows = self.rows()
        self.assertEqual([(r[0], r[1]) for r in rows["session"]], [(verdicts["gate"], "gate")])
        self.assertRegex(rows["session"][0][7],
                         r"^[0-9a-f]{12} base:nop.work_ns=0 head:nop.work_ns=2")
        # On a machine that is busy enough a pair has no figure, and its cell then has none.
        self.assertEqual(self.medians("throughput"),
                         {cell: 1 + estimate for cell, estimate in said.items()})
        self.uhbench("history", "--rebuild", self.dir, code=0 if said else 2)
        self.assertEqual(self.rows(), rows)

    def test_given_up_is_nothing(self):
        self.gate(1, 1.1)
        os.unlink(os.path.join(self.gate(2, 1.1), "verdicts.json"))
        os.unlink(os.path.join(self.session(3, 1e6), "runs.jsonl"))
        p = self.uhbench("history", "--rebuild", self.dir)
        self.assertIn("0 sessions, 1 gates, 0 left out", p.stderr)

    def test_knobs_are_part_of_the_reference(self):
        self.gate(1, 1.1, base="a" * 64, head={"sha256": ["a" * 64], "set": ["nop.work_ns=9"]})
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual(self.series()[0]["reference"], "a" * 12 + " head:nop.work_ns=9")

    def test_unknown_cell_is_left_out_and_said(self):
        folder = self.gate(1, 1.1)
        path = os.path.join(folder, "gate.json")
        with open(path) as f:
            gate = json.load(f)
        gate["cells"] = []
        with open(path, "w") as f:
            json.dump(gate, f)
        self.gate(2, 1)
        p = self.uhbench("history", "--rebuild", self.dir, code=3)
        self.assertIn("g01/verdicts.json: cell", p.stderr)
        self.assertEqual(len(self.series()[0]["points"]), 1)


class Store(Case):
    def test_rebuild_gives_the_same(self):
        self.uhbench("run", self.matrix, "-o", os.path.join(self.dir, "a"))
        self.uhbench("run", self.matrix, "-o", os.path.join(self.dir, "b"))
        before = self.rows()
        self.assertEqual(len(before["session"]), 2)
        self.assertIn("throughput", [v[1] for v in before["value"]])
        self.assertEqual(len(before["yardstick"]) % 2, 0)
        first = self.uhbench("history", self.dir).stdout
        p = self.uhbench("history", "--rebuild", self.dir)
        self.assertIn("2 sessions, 0 gates, 0 left out", p.stderr)
        self.assertEqual(self.rows(), before)
        self.assertEqual(p.stdout, first)

    def test_resumed_session_counts_once(self):
        folder = os.path.join(self.dir, "a")
        self.uhbench("run", self.matrix, "-o", folder)
        path = os.path.join(folder, "runs.jsonl")
        with open(path) as f:
            lines = f.readlines()
        with open(path, "w") as f:
            f.writelines(lines[:-1])
        self.uhbench("run", self.matrix, "--resume", folder)
        rows = self.rows()
        self.assertEqual(len(rows["session"]), 1)
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual(self.rows(), rows)

    def damage(self, how):
        self.with_step(n=3)
        self.uhbench("history", "--rebuild", self.dir)
        with open(self.store, "r+b") as f:
            how(f, os.path.getsize(self.store))

    def check_damaged(self):
        with open(self.store, "rb") as f:
            before = f.read()
        p = self.uhbench("history", self.dir, code=3)
        self.assertIn("history.sqlite is damaged (", p.stderr)
        self.assertIn(f"--rebuild {self.dir}", p.stderr)
        # A run says it too; what it measured is good all the same, and nothing is made anew.
        p = self.uhbench("run", self.matrix, "-o", os.path.join(self.dir, "late"))
        self.assertIn("note: not in a history: ", p.stderr)
        self.assertIn("damaged", p.stderr)
        with open(self.store, "rb") as f:
            self.assertEqual(f.read(), before)
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual(len(self.series()[0]["points"]), 4)

    def test_not_a_database(self):
        self.damage(lambda f, size: f.write(b"x" * 100))
        self.check_damaged()

    def test_cut_short(self):
        self.damage(lambda f, size: f.truncate(size // 2 // 4096 * 4096))
        self.check_damaged()

    def test_overwritten_pages(self):
        def overwrite(f, size):
            f.seek(4096)
            f.write(b"\xa5" * (size - 4096))
        self.damage(overwrite)
        self.check_damaged()

    def test_somebody_elses_database(self):
        with sqlite3.connect(self.store) as db:
            db.execute("CREATE TABLE mine (x)")
        db.close()
        p = self.uhbench("history", self.dir, code=3)
        self.assertIn("no history of uhbench", p.stderr)
        self.assert_kept("no history of uhbench", 3)

    def test_somebody_elses_database_in_use(self):
        """Its tables are in nothing but its log."""
        db = sqlite3.connect(self.store)
        self.addCleanup(db.close)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE mine (x)")
        db.commit()
        self.assert_kept("no history of uhbench", 3)
        self.assertEqual(db.execute("SELECT count(*) FROM mine").fetchone(), (0,))

    @staticmethod
    def bytes_of(path):
        with open(path, "rb") as f:
            return f.read()

    def assert_kept(self, says, code):
        """--rebuild leaves what is there, be it in its log."""
        if not os.path.exists(os.path.join(self.dir, "s00")):
            self.with_step(n=2)
        log = self.store + "-wal"
        if not os.path.exists(log):
            with open(log, "wb") as f:
                f.write(b"log")
        before = [self.bytes_of(f) for f in (self.store, log)]
        p = self.uhbench("history", "--rebuild", self.dir, code=code)
        self.assertIn(says, p.stderr)
        self.assertEqual([self.bytes_of(f) for f in (self.store, log)], before)
        self.assertFalse(os.path.exists(self.store + ".new"))

    def test_rebuild_of_the_wrong_folder(self):
        """A folder without sessions gets no history, and what is there is kept."""
        self.with_step(n=2)
        self.uhbench("history", "--rebuild", self.dir)
        os.mkdir(os.path.join(self.dir, ".away"))
        for name in ("s00", "s01"):
            os.rename(os.path.join(self.dir, name), os.path.join(self.dir, ".away", name))
        rows = self.rows()
        self.uhbench("history", "--rebuild", self.dir, code=2)
        self.assertEqual(self.rows(), rows)

    def set_schema(self, version):
        with sqlite3.connect(self.store) as db:
            db.execute(f"PRAGMA user_version = {version}")
        db.close()

    def test_another_schema(self):
        self.with_step(n=2)
        self.uhbench("history", "--rebuild", self.dir)
        self.set_schema(3)
        p = self.uhbench("history", self.dir, code=2)
        self.assertIn("has schema 3, this uhbench reads 2", p.stderr)
        self.assert_kept("has schema 3", 2)
        self.set_schema(1)
        p = self.uhbench("history", self.dir, code=2)
        self.assertIn("is of an older uhbench (schema 1, this uhbench reads 2): `uhbench history "
                      f"--rebuild {self.dir}` makes it anew", p.stderr)
        p = self.uhbench("run", self.matrix, "-o", os.path.join(self.dir, "late"))
        self.assertIn("note: not in a history: ", p.stderr)
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual(self.series("--cell", "nop/null")[0]["points"][-1]["folder"], "late")

    def test_damaged_record_is_left_out_and_said(self):
        self.with_step(n=3)
        with open(os.path.join(self.dir, "s01", "runs.jsonl"), "r+") as f:
            f.write("{]")
        p = self.uhbench("history", "--rebuild", self.dir, code=3)
        self.assertRegex(p.stderr, r"left out: .*/s01/runs\.jsonl:1: not JSON")
        self.assertEqual([x["folder"] for x in self.series()[0]["points"]], ["s00", "s02"])

    def test_writers_at_once(self):
        """Rebuilds, a run and readers: each waits for its turn, and everything is there after."""
        self.with_step(n=6)
        self.uhbench("history", "--rebuild", self.dir)
        run = [UHBENCH, "run", self.matrix, "-o", os.path.join(self.dir, "late"), "--concurrent"]
        jobs = [[UHBENCH, "history", self.dir] for _ in range(4)]
        jobs += [[UHBENCH, "history", "--rebuild", self.dir] for _ in range(4)]
        started = [subprocess.Popen(j, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
                   for j in [run] + jobs + jobs]
        for p in started:
            out, err = p.communicate(timeout=60)
            self.assertEqual(p.returncode, 0, err)
            self.assertNotIn("damaged", err)
            self.assertNotIn("not in a history", err)
        rows = self.rows()
        self.assertEqual(len(rows["session"]), 7)
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual(self.rows(), rows)

    def test_killed_writer_leaves_a_whole_store(self):
        self.with_step(n=20)
        self.uhbench("history", "--rebuild", self.dir)
        rows = self.rows()
        for milliseconds in (1, 2, 4, 8, 16, 32):
            p = subprocess.Popen([UHBENCH, "history", "--rebuild", self.dir],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                p.wait(milliseconds / 1000)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
            self.assertEqual(len(self.series()[0]["points"]), 20)
        self.uhbench("history", "--rebuild", self.dir)
        self.assertEqual(self.rows(), rows)
        self.assertFalse([f for f in os.listdir(self.dir) if f.startswith("history.sqlite.new")])

    def test_others_may_read(self):
        if os.getuid():
            self.skipTest("needs root, to be somebody else")
        self.with_step(n=2)
        self.uhbench("history", "--rebuild", self.dir)
        os.chmod(self.top, 0o755)
        os.chmod(self.dir, 0o755)
        p = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", UHBENCH, "history",
                            self.dir], capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("nop/null", p.stdout)


class Words(Case):
    def test_nothing_there(self):
        p = self.uhbench("history", self.dir, code=2)
        self.assertIn(f"there is no {self.dir}/history.sqlite", p.stderr)
        p = self.uhbench("history", self.dir + "/no", code=2)
        self.assertIn("/no: No such file", p.stderr)
        p = self.uhbench("history", "--rebuild", self.dir, code=2)
        self.assertIn("has no sessions", p.stderr)
        self.assertEqual(os.listdir(self.dir), [])

    def test_no_such_cell_or_metric(self):
        self.with_step(n=2)
        self.uhbench("history", "--rebuild", self.dir)
        p = self.uhbench("history", "--cell", "wal/*", self.dir, code=2)
        self.assertIn("no session has a cell like wal/*", p.stderr)
        p = self.uhbench("history", "--metric", "thruput", self.dir, code=2)
        self.assertIn("no session has the metric thruput", p.stderr)

    def test_several_folders_are_one_history(self):
        self.with_step(n=4)
        self.uhbench("history", "--rebuild", self.dir)
        other = tempfile.mkdtemp(dir=self.top)
        for name in ("s03", "s02"):
            shutil.copytree(os.path.join(self.dir, name), os.path.join(other, name))
        shutil.rmtree(os.path.join(self.dir, "s03"))
        self.uhbench("history", "--rebuild", self.dir)
        self.uhbench("history", "--rebuild", other)
        self.assertEqual([p["session"] for p in self.series(other)[0]["points"]],
                         [f"{i:016x}" for i in range(4)])

    def test_none_is_wanted(self):
        os.environ["UHBENCH_HISTORY"] = "none"
        self.addCleanup(os.environ.pop, "UHBENCH_HISTORY")
        p = self.uhbench("run", self.matrix, "-o", os.path.join(self.dir, "a"))
        self.assertNotIn("note:", p.stderr)
        self.assertFalse(os.path.exists(self.store))

    def test_everybodys_folder_has_none(self):
        os.chmod(self.dir, 0o1777)
        p = self.uhbench("run", self.matrix, "-o", os.path.join(self.dir, "a"))
        self.assertIn("which is everybody's", p.stderr)
        self.assertFalse(os.path.exists(self.store))


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
