#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Probes as they are asked for: in a matrix, by `--probes`, over `--resume`. What they see is the
matter of their own tests: here they may as well be unsupported, and the runs count all the same.

Usage: test_probes.py UHBENCH
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

UHBENCH = None


def nop(**more):
    return {"workload": "nop", "target": "null", **more}


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="uhbench-probes-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.out = os.path.join(self.dir, "out")
        self.runs = os.path.join(self.out, "runs.jsonl")

    def matrix(self, *cells, **top):
        path = os.path.join(self.dir, "m.json")
        with open(path, "w") as f:
            json.dump({"warmup": "30ms", "duration": "50ms", "repeats": 2, "cells": cells, **top}, f)
        return path

    def uhbench(self, code, *args):
        p = subprocess.run([UHBENCH, *args], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=120)
        self.assertEqual(p.returncode, code, p.stderr)
        return p

    def records(self):
        with open(self.runs) as f:
            return [json.loads(line, parse_constant=self.fail) for line in f]

    def manifest(self):
        with open(os.path.join(self.out, "manifest.json")) as f:
            return json.load(f)

    def keys(self):
        return sorted((r["cell"]["id"], r["repeat"], r.get("probed", False))
                      for r in self.records())


class Asking(Case):
    def refused(self, says, *args):
        said = self.uhbench(2, *args).stderr
        self.assertIn(says, said)
        self.assertFalse(os.path.exists(self.out))

    def test_wrong_words(self):
        for top, says in (
                ({"probes": ["shced"]}, 'probes[0]: probe "shced" is unknown; the nearest is "sched"'),
                ({"probes": "al"}, 'probe "al" is unknown; the nearest is "all"'),
                ({"probes": {"sched": True}}, "probes: found an object, expected"),
                ({"probe_knobs": {"stack_wiat": "1ms"}},
                 'probe_knobs.stack_wiat: unknown key; the nearest is "stack_wait"'),
                ({"probe_knobs": {"stack_wait": 5}}, "probe_knobs.stack_wait: "),
                ({"probe_knobs": {"hooks": "bft"}}, 'the nearest is "btf"')):
            path = self.matrix(nop(), **top)
            self.refused(says, "validate", path)
            self.refused(says, "run", path, "-o", self.out)

    def test_wrong_option(self):
        path = self.matrix(nop())
        for words, says in (("sched,sycsalls", '--probes: probe "sycsalls" is unknown; the nearest is "syscalls"'),
                            ("", '--probes: probe "" is unknown'),
                            ("all,sched", '--probes: "all" stands alone')):
            self.refused(says, "run", path, "-o", self.out, "--probes", words)

    def plan(self, path, *args):
        said = self.uhbench(0, "run", "--dry-run", "--json", path, *args).stdout
        runs = json.loads(said)["runs"]
        return {(r["label"], r["probed"]): r["probes"] for r in runs}, len(runs)

    def test_plan(self):
        path = self.matrix(nop(threads=1), nop(threads=2, probes="none"),
                           nop(threads=3, probes=["sched"]), probes=["syscalls"])
        names = ["nop/null", "nop/null threads=2", "nop/null threads=3"]
        plan, n = self.plan(path)
        self.assertEqual(n, 10)
        self.assertEqual(set(plan), {(names[0], False), (names[0], True), (names[1], False),
                                     (names[2], False), (names[2], True)})
        self.assertEqual(plan[names[2], True], ["sched"])
        self.assertIn("syscalls", plan[names[0], True])
        self.assertEqual(plan[names[0], False], [])
        plan, n = self.plan(path, "--probes", "sched")
        self.assertEqual(n, 12)
        self.assertEqual({str(p) for (_, probed), p in plan.items() if probed}, {"['sched']"})
        plan, n = self.plan(path, "--probes", "none")
        self.assertEqual((n, len(plan)), (6, 3))
        text = self.uhbench(0, "run", "--dry-run", path).stdout.splitlines()
        self.assertEqual(sum(" probed " in line for line in text), 4)

    def test_size(self):
        path = self.matrix(nop(threads=[1, 2]), nop(threads=3, probes="none"), probes="all")
        self.assertIn("3 cells, 2 repeats, 10 runs, 4 of them probed,",
                      self.uhbench(0, "validate", path).stdout)
        said = json.loads(self.uhbench(0, "validate", "--json", path).stdout)
        self.assertEqual((said["runs"], said["probed_runs"]), (10, 4))

    def test_list(self):
        catalog = json.loads(self.uhbench(0, "list", "--json").stdout)
        text = self.uhbench(0, "list", "probes").stdout
        self.assertLessEqual({"procstat", "sched", "syscalls"},
                             {p["name"] for p in catalog["probes"]})
        for row in catalog["probes"] + catalog["probe_knobs"]:
            self.assertIn(row["name"], text)
            self.assertIn(row["help"], text)

    def test_doctor(self):
        groups = json.loads(self.uhbench(0, "doctor", "--json").stdout)["groups"]
        found = {f["name"]: f for g in groups if g["name"] == "probes" for f in g["findings"]}
        catalog = json.loads(self.uhbench(0, "list", "--json").stdout)
        self.assertEqual(set(found), {p["name"] for p in catalog["probes"]} - {"procstat"})


class Running(Case):
    def pairs(self, records):
        """{(cell, repeat): [unprobed, probed]}"""
        pairs = {}
        for r in records:
            pairs.setdefault((r["cell"]["id"], r["repeat"]), [None, None])[r["probed"]] = r
        return pairs

    def test_pairs(self):
        path = self.matrix(nop(threads=[1, 2]), probes=["sched", "syscalls"],
                           probe_knobs={"stack_wait": "1ms"})
        said = self.uhbench(0, "run", path, "-o", self.out).stderr
        self.assertEqual(sum(", probed: ok" in line for line in said.splitlines()), 4)
        self.assertEqual(sum(": ok" in line for line in said.splitlines()), 8)
        records = self.records()
        self.assertEqual([r["order"] for r in records], list(range(8)))
        self.assertEqual(self.manifest()["runs"], 8)
        self.assertIsNone(self.manifest()["probes"])
        self.assertEqual(self.manifest()["probe_knobs"]["stack_wait"], 1_000_000)
        for plain, probed in self.pairs(records).values():
            self.assertEqual((plain["status"], probed["status"]), ("ok", "ok"))
            self.assertEqual(plain["seed"], probed["seed"])
            self.assertEqual(plain["probes"], {})
            self.assertLessEqual({"sched", "syscalls"}, set(probed["probes"]))
            for name, probe in probed["probes"].items():
                self.assertIn(probe["status"], ("ok", "unsupported", "failed"), name)
                self.assertEqual(probe["reason"] is None, probe["status"] == "ok", name)
            for r in (plain, probed):
                foreign = r["host"]["foreign_bpf"]
                self.assertEqual(foreign is None, "reason_foreign_bpf" in r["host"])

    def test_nothing_probed(self):
        self.uhbench(0, "run", self.matrix(nop(probes="all"), repeats=1), "-o", self.out,
                     "--probes", "none")
        record, = self.records()
        self.assertEqual((record["probed"], record["probes"]), (False, {}))
        self.assertIsNone(record["host"]["foreign_bpf"])
        self.assertIn("nothing is probed", record["host"]["reason_foreign_bpf"])
        self.assertEqual((self.manifest()["probes"], self.manifest()["probe_knobs"]), ([], {}))

    def test_bad_endings(self):
        """Watched until the end, whatever the end is."""
        path = self.matrix(nop(**{"with": {"fault": ["crash", "hang"]}}), repeats=1,
                           deadline="1s", probes="sched")
        self.uhbench(3, "run", path, "-o", self.out)
        for plain, probed in self.pairs(self.records()).values():
            self.assertEqual(plain["status"], probed["status"])
            self.assertEqual(plain["probes"], {})
            self.assertEqual(list(probed["probes"]), ["sched"])


class Resuming(Case):
    def cut(self, keep):
        with open(self.runs) as f:
            lines = f.readlines()[:keep]
        with open(self.runs, "w") as f:
            f.writelines(lines)

    def test_keeps_what_was_asked_for(self):
        path = self.matrix(nop(threads=[1, 2], probes="sched"))
        self.uhbench(0, "run", path, "-o", self.out, "--probes", "syscalls")
        all_keys, asked = self.keys(), self.manifest()["probes"]
        self.assertIn("syscalls", asked)
        self.assertEqual(len(set(all_keys)), 8)
        for keep in (7, 3, 0):
            self.cut(keep)
            self.uhbench(0, "run", path, "--resume", self.out)
            self.assertEqual(self.keys(), all_keys)
        self.assertTrue(all(sorted(r["probes"]) == sorted(asked) for r in self.records()
                            if r["probed"]))
        self.cut(5)
        said = self.uhbench(2, "run", path, "--resume", self.out, "--probes", "all").stderr
        self.assertIn("give the same --probes as before", said)
        self.uhbench(0, "run", path, "--resume", self.out, "--probes", "syscalls")
        self.assertEqual(self.keys(), all_keys)

    def test_option_after_a_session_without(self):
        path = self.matrix(nop(), probes="sched", repeats=1)
        self.uhbench(0, "run", path, "-o", self.out)
        said = self.uhbench(2, "run", path, "--resume", self.out, "--probes", "syscalls").stderr
        self.assertIn("other probes", said)

    def test_a_record_in_the_wrong_place(self):
        path = self.matrix(nop(), probes="sched", repeats=1)
        self.uhbench(0, "run", path, "-o", self.out)
        records = self.records()
        with open(self.runs, "w") as f:
            f.write(json.dumps({**records[0], "probed": not records[0]["probed"]}) + "\n")
        said = self.uhbench(2, "run", path, "--resume", self.out).stderr
        self.assertIn("that is not planned there", said)

    def test_records_of_older_versions(self):
        """They know nothing of probes, and were not probed."""
        path = self.matrix(nop())
        self.uhbench(0, "run", path, "-o", self.out)
        records = self.records()
        with open(self.runs, "w") as f:
            for r in records[:1]:
                del r["probed"], r["probes"]
                f.write(json.dumps(r) + "\n")
        manifest = self.manifest()
        del manifest["probes"], manifest["probe_knobs"]
        with open(os.path.join(self.out, "manifest.json"), "w") as f:
            json.dump(manifest, f)
        self.uhbench(0, "run", path, "--resume", self.out)
        self.assertEqual(len(set(self.keys())), 2)


if __name__ == "__main__":
    UHBENCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
