# SPDX-License-Identifier: MIT
"""Rows that are measured in a virtual machine, since they take a kernel with ublk and null_blk.

The host writes a plan of all rows, the guest (vm_guest) works through it within one session of
`uhbench vm`, ours and the peer's in turn, and what its steps leave is judged here as that of every
other row. Emulated or not, both sides of a ratio ran in the same machine one after the other.
"""
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import typing

from bench import Failed, Missing, Row, throughput

CPUS, MEMORY = 4, "2G"
VM_FAILED = 125  # harness/exitcode.h
RAMP_S, WINDOW_S = 0.5, 3
WORKING_SET = "256M"
FIO = ["--rw=randread", "--bs=4k", "--direct=1", "--ioengine=io_uring", "--norandommap",
       "--randrepeat=0", f"--size={WORKING_SET}", "--group_reporting", "--time_based",
       f"--ramp_time={int(RAMP_S * 1000)}ms", f"--runtime={WINDOW_S}s"]


@dataclasses.dataclass
class Step:
    """A line of the plan without the step's name, and how its output is read."""
    what: str  # "fio" or "run"
    words: list
    read: typing.Callable  # of the text that the step left
    matrix: typing.Optional[dict] = None


@dataclasses.dataclass
class VmRow:
    name: str
    what: str
    bar: typing.Optional[float]  # None: shown, not judged
    make: list  # lines of the plan, before the first round
    ours: Step
    peer: Step
    unit: str = "/s"
    rounds: int = 5


# steps

def fio_rate(text):
    job, = json.loads(text)["jobs"]
    if job["error"]:
        raise Failed(f"fio: error {job['error']}")
    return job["read"]["iops"]


def fio(device, depth=16, jobs=4, *options):
    return Step("fio", [device, *FIO, f"--iodepth={depth}", f"--numjobs={jobs}", *options],
                fio_rate)


def record_of(text):
    record, = [json.loads(line) for line in text.splitlines()]
    if record["status"] != "ok":
        raise Failed(f"{record['cell']['target']}: {record['reason']}")
    return record


def cell(metric, **entry):
    """A cell of the workload `block`, and the figure that counts."""
    matrix = {"repeats": 1, "warmup": f"{int(RAMP_S * 1000)}ms", "duration": f"{WINDOW_S}s",
              "cells": [{"workload": "block", **entry}]}
    return Step("run", [], lambda text: metric(record_of(text)), matrix)


def contended(record):
    """Of each request; what never happened counts as less than once in all of them."""
    window = record["window"]
    requests = throughput(record) * (window["end_ns"] - window["begin_ns"]) / 1e9
    return max(record["metrics"]["contended_per_io"]["value"], 1 / requests)


def driver(depth, jobs, batch):
    """Our driver against fio on the same null_blk. Both have their buffers and the device
    registered, and hand in and take back as many operations at a time."""
    ours = cell(throughput, target="device", threads=jobs, depth=depth, batch=batch,
                **{"with": {"path": "@kernel@", "bytes": WORKING_SET}})
    peer = fio("kernel", depth, jobs, "--registerfiles=1", "--fixedbufs=1",
               f"--iodepth_batch={batch}", "--iodepth_batch_complete_min=1",
               f"--iodepth_batch_complete_max={max(batch, 1)}")
    return ours, peer


def locked(lock):
    return cell(contended, target="ublk", threads=4, depth=16,
                **{"with": {"queues": 4, "server_threads": 4, "backend": "memory", "lock": lock,
                            "shards": 64, "work_ns": 8000, "size": "256M"}})


# rows

def served(name, queues, threads, backend="null"):
    return f"serve {name} queues={queues} server_threads={threads} backend={backend}"


def against_one(threads, bar):
    return VmRow(f"vm-null-4q-{threads}t", f"ublk null, 4 queues, {threads} server threads : "
                 "1 queue, by fio", bar,
                 [served("one", 1, 1) + " size=256M",
                  served("four", 4, threads) + " size=256M"], fio("four"), fio("one"))


def driver_row(name, what, depth, jobs, batch):
    ours, peer = driver(depth, jobs, batch)
    return VmRow(name, f"our driver, {what}, on null_blk : fio", 1.0, ["null_blk kernel"], ours,
                 peer)


ROWS = [
    VmRow("vm-null-1q", "ublk null, 1 queue : the kernel's null_blk, by fio", 0.45,
          [served("one", 1, 1) + " size=256M", "null_blk kernel"], fio("one"), fio("kernel")),
    against_one(1, 0.95),
    against_one(2, 0.85),
    against_one(4, None),
    VmRow("vm-file", "ublk file : the kernel's loop device, same file on tmpfs, by fio", 0.8,
          ["file disk 256", "loop kernel disk",
           served("ours", 1, 1, "file") + " file=@disk@ destroy=true direct=false"],
          fio("ours"), fio("kernel")),
    driver_row("vm-driver", "4 lanes, depth 16", 16, 4, 1),
    driver_row("vm-driver-batch", "4 lanes, depth 16, 16 at a time", 16, 4, 16),
    driver_row("vm-driver-depth1", "1 lane, depth 1", 1, 1, 1),
    driver_row("vm-driver-depth128", "1 lane, depth 128, 32 at a time", 128, 1, 32),
    VmRow("vm-lock", "contended acquisitions, 8 us of work under a global lock : under 64 shards",
          10, [], locked("global"), locked("sharded"), unit="per request"),
]


# the session

class Plan:
    def __init__(self, folder):
        self.folder, self.lines = folder, []
        os.makedirs(folder)

    def step(self, name, step):
        words = list(step.words)
        if step.matrix:
            path = os.path.join(self.folder, name + ".json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump(step.matrix, f)
            words = [path]
        self.lines.append(" ".join([step.what, name, *words]))

    def row(self, row, rounds):
        self.lines += row.make
        for i in range(rounds):
            sides = [("ours", row.ours), ("peer", row.peer)]
            for side, step in sides[::-1] if i % 2 else sides:
                self.step(f"{row.name}.{i}.{side}", step)
        self.lines.append("release")

    def write(self):
        path = os.path.join(self.folder, "plan")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(self.lines) + "\n")
        return path


def boot(bench, plan, out):
    """The exit code of uhbench vm. What the guest says is shown."""
    program = shutil.which("fio")
    if not program:
        raise Missing("no fio: ci/setup peers")
    guest = os.path.join(bench.root, "ci", "peers.d", "vm_guest")
    return subprocess.call([bench.uhbench, "vm", "--cpus", str(CPUS), "--memory", MEMORY,
                            "--add", program, "--add", plan.folder, "--add", bench.uhbench,
                            "--back", out, "--", guest, plan.write(), out, bench.uhbench],
                           stdin=subprocess.DEVNULL, stdout=sys.stderr)


def run_session(bench, plan, out):
    """Failed: figures may be missing; Missing: there are none."""
    code = boot(bench, plan, out)
    if code == VM_FAILED and not os.path.exists(out):
        # An emulator of several threads from before QEMU 8.1 may run code that the guest's kernel
        # has changed since, and the kernel crashes, as a rule while it boots.
        print("vm: the machine failed before it had a figure: once more", file=sys.stderr)
        code = boot(bench, plan, out)
    if code == 77:
        raise Missing("uhbench vm cannot boot here, see above")
    if code:
        raise Failed(f"uhbench vm exits {code}")


def read_step(out, name, step, why):
    path = os.path.join(out, name)
    if os.path.exists(path + ".failed"):
        with open(path + ".failed", encoding="utf-8") as f:
            raise Failed(f"{name}: {f.read().strip()[-300:]}")
    try:
        with open(path, encoding="utf-8") as f:
            return step.read(f.read())
    except OSError as missing:
        raise why or Failed(f"{name}: left nothing") from missing
    except (ValueError, KeyError) as bad:
        raise Failed(f"{name}: {type(bad).__name__}: {bad}") from bad


def judged_row(row, rounds, out, why):
    """The row as the others are: each call of `pair` gives the figures of one more round."""
    turn = iter(range(rounds))

    def pair(_):
        i = next(turn)
        return tuple(read_step(out, f"{row.name}.{i}.{side}", step, why)
                     for side, step in (("ours", row.ours), ("peer", row.peer)))
    return Row(row.name, row.what, row.bar, pair=pair, unit=row.unit, rounds=rounds)


def measured(bench, rows, rounds):
    """Runs all rows in one session. Returns them as rows that only need to be judged."""
    plan = Plan(os.path.join(bench.work, "plan"))
    out = os.path.join(bench.work, "out")
    for row in rows:
        plan.row(row, rounds or row.rounds)
    why = None
    try:
        run_session(bench, plan, out)
    except (Missing, Failed) as problem:
        why = problem
    return [judged_row(row, rounds or row.rounds, out, why) for row in rows]
