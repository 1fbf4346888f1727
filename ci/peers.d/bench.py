# SPDX-License-Identifier: MIT
"""What every row of ci/peers is made of."""
import dataclasses
import json
import os
import shutil
import subprocess
import typing

WARMUP_S, WINDOW_S = 0.3, 1.3


class Missing(Exception):
    """A peer or a privilege is not there: the row is skipped."""


class Failed(Exception):
    """A run went wrong: the row has no figure."""


@dataclasses.dataclass
class Row:
    name: str
    what: str
    bar: float
    ours: typing.Optional[typing.Callable] = None
    peer: typing.Optional[typing.Callable] = None  # None: `bar` is an upper limit for ours
    unit: str = "/s"
    smaller: bool = False  # of ours and the peer: the smaller figure is the better one
    needs: tuple = ()
    root: bool = False
    rounds: int = 5
    pair: typing.Optional[typing.Callable] = None  # both figures of a round at once

    def check(self):
        for program in self.needs:
            if not shutil.which(program):
                raise Missing(f"no {program}: ci/setup peers")
        if self.root and os.geteuid():
            raise Missing("needs root")


class Bench:
    """Runs our side and the peers; keeps their files in a work folder."""

    def __init__(self, root, work):
        self.root, self.work, self.count, self.notes = root, work, 0, []
        self.uhbench = os.path.join(root, "build", "uhbench")
        if not os.access(self.uhbench, os.X_OK):
            raise SystemExit("no build/uhbench: ci/build first")

    def call(self, argv, **options):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, **options)
        if done.returncode:
            raise Failed(f"{argv[0]} exits {done.returncode}: "
                         f"{(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    def compiled(self, name, *options):
        """The program that NAME.c beside this file makes, once in this work folder."""
        binary = os.path.join(self.work, name)
        if not os.path.exists(binary):
            source = os.path.join(self.root, "ci", "peers.d", name + ".c")
            self.call(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-o", binary, source, *options])
        return binary

    def records(self, matrix):
        """Runs a matrix. Returns its records; one that is not ok is a failure."""
        folder = self.session(matrix)
        with open(os.path.join(folder, "runs.jsonl"), encoding="utf-8") as f:
            records = [json.loads(line) for line in f]
        shutil.rmtree(folder)
        for r in records:
            if r["status"] != "ok":
                raise Failed(f"{r['cell']['workload']}/{r['cell']['target']}: {r['reason']}")
        return records

    def session(self, matrix):
        """Runs a matrix in a new folder. Returns the folder."""
        self.count += 1
        path = os.path.join(self.work, f"session-{self.count}")
        matrix = {"repeats": 1, "warmup": f"{int(WARMUP_S * 1000)}ms",
                  "duration": f"{int(WINDOW_S * 1000)}ms", **matrix}
        with open(path + ".json", "w", encoding="utf-8") as f:
            json.dump(matrix, f)
        self.call([self.uhbench, "run", path + ".json", "-o", path])
        return path

    def added(self, load, cost, watched):
        """What watching adds to the cost that `load` prints: against the mean of a run before and
        one after. `watched` runs it and returns what it printed."""
        before = cost(self.call(load))
        seen = cost(watched(load))
        after = cost(self.call(load))
        return seen - (before + after) / 2

    def hunted(self, *options):
        """A `watched` for added(): under uhbench, which sends what a command prints to stderr."""
        def watched(load):
            printed = os.path.join(self.work, "printed.txt")
            self.call([self.uhbench, "hunt", "--json", *options, "--",
                       "sh", "-c", 'exec "$@" >"$0"', printed, *load])
            with open(printed, encoding="utf-8") as f:
                return f.read()
        return watched

    def cell(self, **cell):
        """Runs one cell once. Returns its record."""
        record, = self.records({"cells": [cell]})
        self.notes += [note for note in record["notes"] if "reuse" not in note]
        return record


def throughput(record):
    return record["metrics"]["throughput"]["value"]


def ours(**cell):
    return lambda bench: throughput(bench.cell(**cell))
