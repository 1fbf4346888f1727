#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The target `ublk` end to end, in one virtual machine: all of its knobs serve, what it counts adds
up, a server that dies is told of and followed, and one that spoils data is found out.

Usage: test_ublk.py UHBENCH [--kernel NAME]

No figure is judged: the machine may be emulated, and others may run beside it.
"""
import json
import re
import subprocess
import sys
import tempfile
import unittest

UHBENCH = KERNEL = None
RECORDS = {}  # by name of the cell's entry below
LOG = ""  # of the guest's kernel
STRUCK_RECORD = None  # of the run whose server was killed from outside
LEFT = []  # devices that were there at the end

MIXED = {"size": "4M", "verify": True, "read_percent": 40, "discard_percent": 10,
         "write_zeroes_percent": 10, "flush_every": 10}
SMALL = {"size": "4M", "read_percent": 50}


def cell(threads=1, depth=8, payload="4k", **knobs):
    return {"workload": "block", "target": "ublk", "threads": threads, "depth": depth,
            "payload": payload, "with": knobs}


def disk(**knobs):
    return {"backend": "file", "dir": "/dev/shm", **knobs}


CELLS = {
    "stages": cell(depth=4, size="64M", stages=True, read_percent=50),
    "memory": cell(2, queues=4, **MIXED),
    "memory user": cell(2, queues=4, copy="user", **MIXED),
    "memory locked": cell(2, queues=4, lock="sharded", shards=3, payload="64k",
                          **MIXED | {"size": "16M"}),
    "null": cell(size="16M", backend="null", copy="user"),
    "file": cell(2, queues=2, **disk(**MIXED)),
    "file call": cell(2, queues=2, file_io="call", **disk(**MIXED)),
    "file ring": cell(2, queues=2, file_io="ring", **disk(**MIXED)),
    "file user": cell(2, queues=2, copy="user", **disk(**MIXED)),
    "file direct": cell(2, queues=2, direct=True, **disk(**MIXED)),
    "one thread": cell(2, queues=4, server_threads=1, **MIXED),
    "one cpu": cell(queues=2, affinity="one", **SMALL),
    "spread": cell(queues=2, affinity="spread", spin="50us", **SMALL),
    "legacy": cell(encoding="legacy", **SMALL),
    "ioctl": cell(encoding="ioctl", **SMALL),
    "write through": cell(write_cache=False, flush_every=10, **SMALL),
    "one tag": cell(2, queue_depth=1, **MIXED),
    "4k blocks": cell(block_bytes="4k", payload="1M", max_io_bytes="128k",
                      **MIXED | {"size": "64M"}),
    "512 bytes": cell(payload="512", **MIXED),
    "global": cell(4, 16, queues=4, server_threads=4, lock="global", work_ns=8000, size="16M"),
    "sharded": cell(4, 16, queues=4, server_threads=4, lock="sharded", work_ns=8000, size="16M"),
    "slow": cell(queues=1, fault="slow-queue", slow_time="2ms", **SMALL),
    "killed": cell(2, queues=2, fault="kill-server", **SMALL),
    "killed, full": cell(1, 16, queue_depth=2, fault="kill-server", **SMALL),
    "followed": cell(2, queues=2, fault="kill-server", recovery="reissue", verify=True, **SMALL),
    "followed, failing": cell(2, queues=2, fault="kill-server", recovery="fail", **SMALL),
    "unharmed": cell(recovery="reissue", **MIXED),
    "lost": cell(fault="lose-writes", verify=True, **SMALL),
    "corrupt": cell(fault="corrupt-reads", verify=True, **SMALL),
    "errors": cell(fault="errors", **SMALL),
    "nothing to lose": cell(fault="lose-writes", size="4M"),
    "too many queues": cell(queues=64, **SMALL),
    "zero copy": cell(2, queues=2, copy="zero", **disk(**MIXED)),
    "auto": cell(2, queues=2, copy="auto", **disk(**MIXED)),
    "tasks": cell(2, queues=2, queue_tasks=2, server_threads=4, **MIXED),
}
FAIL = {
    "killed": "the ublk server was killed by signal 9",
    "killed, full": "the ublk server was killed by signal 9",
    "followed, failing": "the ublk server was killed by signal 9",
    "lost": "write was lost|reads as zeroes",
    "corrupt": "corrupt",
    "errors": "Input/output error",
}
# What a driver may lack, and what is then said.
MAY_LACK = {"zero copy": "zero-copy", "auto": "zero-copy|auto-buf-reg", "tasks": "per-io-daemon"}

# A server that is killed by somebody else is followed as well, but that is no healthy run.
STRUCK = {"warmup": "2s", "duration": "2s", "repeats": 1,
          "cells": [cell(recovery="reissue", **SMALL)]}

GUEST = r"""uhbench run /matrix.json -o /tmp/out >/tmp/said 2>&1; code=$?
[ $code = 3 ] || cat /tmp/said
echo "== manifest"; cat /tmp/out/manifest.json; echo
echo "== records"; cat /tmp/out/runs.jsonl
echo "== devices"; ls /dev | grep -E 'ublk[bc]'; ls /sys/class/ublk-char 2>/dev/null
uhbench run /struck.json -o /tmp/struck >/tmp/said 2>&1 &
until [ -e /dev/ublkb0 ] && server=$(grep -lx target/0 /proc/[0-9]*/comm); do sleep 0.1; done
server=${server#/proc/}
kill -9 "${server%%/*}"
wait $! || [ $? = 3 ] || cat /tmp/said
echo "== struck"; cat /tmp/struck/runs.jsonl
echo "== log"; dmesg"""


def run_all():
    global LOG, LEFT, STRUCK_RECORD
    matrix = {"warmup": "50ms", "duration": "400ms", "repeats": 1,
              "cells": list(CELLS.values())}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file, \
            tempfile.NamedTemporaryFile("w", suffix=".json") as struck:
        json.dump(matrix, file)
        file.flush()
        json.dump(STRUCK, struck)
        struck.flush()
        p = subprocess.run([UHBENCH, "vm", "--cpus", "4", "--memory", "2G", "--timeout", "400s",
                            *(["--kernel", KERNEL] if KERNEL else []),
                            "--add", file.name + ":/matrix.json",
                            "--add", struck.name + ":/struck.json", "--", "sh", "-c", GUEST],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, errors="replace")
    if p.returncode == 77:
        print(p.stderr.strip().splitlines()[-1])
        sys.exit(77)
    if p.returncode or "== log" not in p.stdout:
        sys.exit(f"the machine ended with {p.returncode}\n{p.stdout[-3000:]}\n{p.stderr[-3000:]}")
    _, manifest, records, devices, struck, LOG = re.split("^== .*\n", p.stdout, flags=re.MULTILINE)
    LEFT = devices.split()
    STRUCK_RECORD = json.loads(struck)
    names = dict(zip([cell["id"] for cell in json.loads(manifest)["cells"]], CELLS))
    for record in map(json.loads, records.splitlines()):
        RECORDS[names[record["cell"]["id"]]] = record


def metric(name, of):
    return RECORDS[name]["metrics"][of]["value"]


def queues(name):
    table = RECORDS[name]["detail"]["queues"]
    columns = [column["name"] for column in table["columns"]]
    return [dict(zip(columns, row)) for row in table["rows"]]


class Ublk(unittest.TestCase):
    def test_each_entry_ran_once(self):
        self.assertEqual(set(RECORDS), set(CELLS))

    def test_status(self):
        for name, record in RECORDS.items():
            with self.subTest(name):
                reason = record["reason"]
                if name in FAIL:
                    self.assertEqual(record["status"], "failed", reason)
                    self.assertRegex(reason, FAIL[name])
                elif name in MAY_LACK and record["status"] == "unsupported":
                    self.assertRegex(reason, MAY_LACK[name])
                elif name == "too many queues":
                    self.assertEqual(record["status"], "unsupported", reason)
                    self.assertIn("CPUs", reason)
                else:
                    self.assertEqual(record["status"], "ok", reason)

    def test_every_kind_of_request_was_served(self):
        """In windows that were long enough for what comes every tenth time: an emulated machine may
        stand still for most of one."""
        looked_at = 0
        for name, record in RECORDS.items():
            knobs = record["cell"]["knobs"]
            if record["status"] != "ok" or not knobs["flush_every"] or not knobs["verify"] \
                    or record["histograms"]["service"]["count"] < 200:
                continue
            looked_at += 1
            with self.subTest(name):
                kinds = ["reads", "writes", "flushes", "write_zeroes"]
                for kind in kinds + ["discards"] * bool(knobs["discard_percent"]):
                    self.assertGreater(sum(q[kind] for q in queues(name)), 0, kind)
                self.assertEqual(sum(q["errors"] for q in queues(name)), 0)
        self.assertGreater(looked_at, 0)

    def test_write_through_gets_no_flush(self):
        self.assertEqual(sum(q["flushes"] for q in queues("write through")), 0)
        self.assertGreater(sum(q["writes"] for q in queues("write through")), 0)

    def test_counts_agree(self):
        """The server's requests are the operations of the driver, but for those at the edges."""
        for name in ["stages", "null", "one tag", "sharded"]:
            with self.subTest(name):
                record = RECORDS[name]
                ops = record["histograms"]["service"]["count"]
                edge = 3 * record["cell"]["axes"]["threads"] * record["cell"]["axes"]["depth"]
                served = sum(q["completions"] for q in queues(name))
                if not served:
                    continue  # the machine stood still
                self.assertAlmostEqual(served, ops, delta=edge + 0.1 * ops)
                self.assertEqual(sum(q["reads"] + q["writes"] for q in queues(name)) * 4096,
                                 sum(q["moved"] for q in queues(name)))
                if served:  # the machine may stand still for most of a window
                    self.assertGreater(metric(name, "requests_per_enter"), 0)
                self.assertNotEqual(metric(name, "server_cpu_per_io"), 0)

    def test_stages_come_to_the_service_time(self):
        record = RECORDS["stages"]
        stages = record["detail"]["stages"]
        self.assertGreater(stages["joined"], 20 * stages["missed"])
        names = [stage["histogram"] for stage in stages["stages"]]
        self.assertEqual(len(names), 5)
        sums = [record["histograms"][name] for name in names]
        self.assertEqual({h["count"] for h in sums}, {stages["joined"]})
        self.assertEqual(stages["of"], ["service_read", "service_write"])
        whole = [record["histograms"][name] for name in stages["of"]]
        told, known = (sum(h["sum"] for h in part) for part in (sums, whole))
        # Those that were missed, or lie at an edge of the window, may be the slowest of all.
        slowest = (stages["missed"] + 2 * record["cell"]["axes"]["depth"])
        slowest *= max(h["max"] for h in whole)
        self.assertAlmostEqual(told, known, delta=0.05 * known + slowest)

    def test_threads(self):
        """The process itself, and so many that serve."""
        for name, threads in [("one thread", 1), ("one cpu", 2), ("global", 4), ("stages", 1)]:
            self.assertEqual(RECORDS[name]["usage"]["target"]["threads"], 1 + threads, name)

    def test_lock(self):
        self.assertIn(metric("memory", "contended_per_io"), [0, None])
        for name in ["global", "sharded"]:
            self.assertEqual(bool(metric(name, "lock_wait_per_io")),
                             bool(metric(name, "contended_per_io")), name)

    def test_slow_queue(self):
        service = RECORDS["slow"]["histograms"]["service"]
        self.assertTrue(not service["count"] or service["min"] >= 2e6, service["min"])

    def test_second_server(self):
        followed = RECORDS["followed"]
        self.assertTrue(any("second one took the device over" in n for n in followed["notes"]))
        self.assertGreater(followed["verify"]["blocks_read_back"], 0)
        self.assertIsNone(metric("followed", "server_cpu_per_io"))
        self.assertFalse([n for n in RECORDS["unharmed"]["notes"] if "server" in n])

    def test_server_that_others_killed(self):
        self.assertEqual(STRUCK_RECORD["status"], "failed")
        self.assertRegex(STRUCK_RECORD["reason"], "killed by signal 9.*second one took the device")

    def test_fault_that_never_came(self):
        def told(record):
            return any("never came about" in note for note in record["notes"])
        self.assertTrue(told(RECORDS["nothing to lose"]))
        self.assertFalse(any(told(record) for name, record in RECORDS.items()
                             if name != "nothing to lose"))

    def test_nothing_is_left(self):
        self.assertEqual(LEFT, [])

    def test_kernel_log(self):
        bad = [line for line in LOG.splitlines()
               if any(word in line for word in ["WARNING:", "BUG:", "Oops", "hung task",
                                                "blocked for more than", "stall"])]
        self.assertEqual(bad, [])


if __name__ == "__main__":
    if "--kernel" in sys.argv:
        at = sys.argv.index("--kernel")
        KERNEL = sys.argv[at + 1]
        del sys.argv[at:at + 2]
    UHBENCH = sys.argv.pop(1)
    run_all()
    unittest.main()
