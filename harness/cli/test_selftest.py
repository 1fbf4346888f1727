# SPDX-License-Identifier: MIT
"""uhbench selftest gate: the short form finds no bar missed, shows what a fixed order and the usual
designs do, gives the same for the same seed, and ends with the code of the worst answer.

    test_selftest.py UHBENCH
"""
import json
import subprocess
import sys
import unittest

UHBENCH = sys.argv[1]


def selftest(*args):
    return subprocess.run([UHBENCH, "selftest", *args], capture_output=True, text=True,
                          check=False, timeout=250)


def answers(*args):
    """{(design, title, class): row}, exit code"""
    done = selftest("gate", "--json", *args)
    report = json.loads(done.stdout)
    rows = {(r["design"], r["title"], r["class"]): r for r in report["rows"]}
    assert len(rows) == len(report["rows"]), "two answers to one question"
    return rows, done.returncode, report


class Selftest(unittest.TestCase):
    def test_short(self):
        rows, code, report = answers("--short")
        self.assertEqual((report["schema"], report["gates"], report["cells"], report["seed"]),
                         (1, 300, 100, "1"))
        # One alarm in 300 gates of some class would be no breach, and too little to tell.
        self.assertEqual(code, {"ok": 0, "few": 4}[report["state"]])
        alarms = "A/A: gates with an alarm, %"
        second = "second of a pair +2 %: with an alarm, %"
        for name in ("quiet", "ci"):
            for title in (alarms, second, "beside +5 %: innocents flagged, % of gates"):
                row = rows["the gate", title, name]
                self.assertEqual((row["value"], row["state"]), (0, "ok"), row)
                self.assertLess(row["high"], 0.01)
        self.assertGreater(rows["the gate", "one cell +5 %: found, %", "ci"]["value"], 0.95)
        self.assertGreater(rows["the gate, base always first", second, "quiet"]["value"], 0.5)
        others = [r for r in report["rows"]
                  if not r["design"].startswith("the gate") and r["title"] == alarms]
        self.assertEqual(len(others), 9)
        for row in others:
            self.assertGreater(row["value"], 0.1, row)

    def test_threads_change_nothing(self):
        args = ("gate", "--short", "--gates", "20", "--cells", "15")
        one, many = selftest(*args, "--threads", "1"), selftest(*args, "--threads", "5")
        self.assertEqual(one.stdout, many.stdout)
        self.assertNotEqual(one.stdout, selftest(*args, "--seed", "2").stdout)

    def test_text_says_what_json_says(self):
        args = ("--gates", "20", "--cells", "15", "--class", "ci")
        rows, code, _ = answers(*args)
        done = selftest("gate", *args)
        self.assertEqual((done.returncode, done.stderr), (code, ""))
        lines = done.stdout.splitlines()
        for design, title, _ in rows:
            self.assertTrue(any(line.startswith(design) for line in lines), design)
            self.assertTrue(any(line.strip().startswith(title) for line in lines), title)
        states = [r["state"] for r in rows.values()]
        self.assertIn(f"{states.count('ok')} of {len(states) - states.count('no bar')} bars hold",
                      lines[-1])

    def test_too_few_gates(self):
        _, code, report = answers("--gates", "20", "--class", "quiet")
        self.assertEqual((code, report["state"]), (4, "few"))

    def test_a_bar_that_is_missed(self):
        # Two hundred cells cannot be measured in the time that is there for a hundred.
        rows, code, report = answers("--gates", "5", "--cells", "200", "--class", "quiet")
        self.assertEqual((code, report["state"]), (1, "missed"))
        self.assertEqual([t for (_, t, _), r in rows.items() if r["state"] == "missed"],
                         ["minutes, at 0.5 s a run: mean", "minutes that 99 % of the gates keep"])

    def test_who_is_exempt_is_told(self):
        rows, _, _ = answers("--short", "--gates", "20")
        mean, late = "minutes, at 0.5 s a run: mean", "minutes that 99 % of the gates keep"
        exempt = {(t, c) for (_, t, c), r in rows.items() if r["exempt"]}
        self.assertTrue({(mean, "hostile"), (late, "ci"), (late, "hostile")} <= exempt, exempt)
        for (_, title, name), row in rows.items():
            barred = any(r["bar"] != [None, None] for (_, t, _), r in rows.items() if t == title
                         and r["design"] == row["design"])
            self.assertEqual(row["exempt"] is not None,
                             barred and row["bar"] == [None, None], (title, name))
        text = selftest("gate", "--short", "--gates", "20").stdout
        self.assertIn(rows["the gate", late, "ci"]["exempt"] + ": ci and hostile", text)
        self.assertEqual(text.count(" exempt"), len(exempt), text)

    def test_wrong_words(self):
        for args, said in ((("gaet",), '"gaet"'),
                           ((), "gate"),
                           (("gate", "--gates", "1"), "1 is below 2"),
                           (("gate", "--cells", "10"), "10 is below 11"),
                           (("gate", "--class", "loud"), '"loud"'),
                           (("gate", "--threads", "0"), "0 is below 1")):
            done = selftest(*args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertIn(said, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
