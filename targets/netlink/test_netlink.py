# SPDX-License-Identifier: MIT
"""netlink end to end: its records are true, and whoever changes the sockets under it is caught.

    test_netlink.py UHBENCH

What exists is read from /proc/PID/net/tcp of a process that holds the sockets, which the kernel
writes by other code than a netlink dump.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

NOBODY = 65534
TARGETS = ["recvmsg", "recvmmsg", "uring"]
LISTEN = """
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 7))
s.listen(1)
time.sleep(60)
"""


# What a test takes beside the program; most need network namespaces, which a user may make.
NOTHING, NAMESPACES, ROOT = range(3)


def takes(needed):
    def mark(test):
        test.takes = needed
        return test
    return mark


class Session:
    """One `uhbench run`, which a test may look at and disturb while it works."""

    def __init__(self, uhbench, folder, cells, duration="50ms", repeats=1, **options):
        matrix = os.path.join(folder, "matrix.json")
        self.out = os.path.join(folder, "out")
        with open(matrix, "w", encoding="utf-8") as file:
            json.dump({"name": "t", "repeats": repeats, "warmup": "20ms", "duration": duration,
                       "cells": [{"workload": "netlink"} | cell for cell in cells]}, file)
        self.program = subprocess.Popen([uhbench, "run", matrix, "-o", self.out, "--concurrent"],
                                        text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **options)

    def holders(self):
        """Processes below ours that hold sockets."""
        parents, found = {}, []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                    name, rest = file.read().split(" ", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            parents[int(pid)] = int(rest.split()[1])
            if name == "(uhb-sockets":
                found.append(int(pid))
        return [pid for pid in found if self.is_ours(pid, parents)]

    def is_ours(self, pid, parents):
        while pid in parents and pid != self.program.pid:
            pid = parents[pid]
        return pid == self.program.pid

    def await_sockets(self, count):
        """Returns the holders once the kernel counts so many TCP sockets."""
        for _ in range(2000):
            holders = self.holders()
            if holders and len(tcp_sockets(holders[0])) == count:
                return self.holders()  # the first look may have come before the last of them
            if self.program.poll() is not None:
                sys.exit(f"ended before {count} sockets were there: {self.program.stderr.read()}")
            time.sleep(0.005)
        sys.exit(f"{count} sockets never came")

    def records(self, code):
        out, err = self.program.communicate(timeout=60)
        if self.program.returncode != code:
            sys.exit(f"exit code {self.program.returncode} instead of {code}: {out}{err}")
        with open(os.path.join(self.out, "runs.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def tcp_sockets(pid):
    """[(local, remote, state)] of the process's network namespace, as the kernel prints them."""
    try:
        with open(f"/proc/{pid}/net/tcp", encoding="utf-8") as file:
            return [tuple(line.split()[1:4]) for line in file.readlines()[1:]]
    except OSError:
        return []


def expect(condition, text, record):
    if not condition:
        sys.exit(f"{text}: {json.dumps(record, indent=1)}")


def check_good(record, sockets):
    verify, metrics = record["verify"], record["metrics"]
    expect(record["status"] == "ok", "not ok", record)
    expect(verify["records_per_dump"] == sockets, f"not {sockets} records", record)
    expect(verify["dumps_checked"] > 0, "no dump was checked", record)
    expect(verify["dumps_compared_exactly"] == record["cell"]["axes"]["threads"],
           "not every lane compared a dump record by record", record)
    expect(verify["dumps_failed"] == 0 and verify["stale_messages"] == 0, "failures", record)
    # A busy machine may leave a short window empty; the two figures must agree even then.
    records, dumps = metrics["records_per_s"]["value"], metrics["throughput"]["value"]
    expect(abs(records - dumps * sockets) <= 0.001 * records, "records and dumps disagree", record)


def test_good_cells(uhbench, folder):
    cells = [
        {"target": TARGETS, "with": {"sockets": [1, 700]}},
        {"target": TARGETS, "threads": 2, "depth": 4, "batch": [1, 3], "with": {"sockets": 200}},
        {"target": TARGETS, "with": {"sockets": 200, "state": "connected", "extensions": "all"}},
        {"target": TARGETS, "with": {"sockets": 200, "filter": "ports", "filter_ports": 9}},
        {"target": TARGETS, "rate": 200, "with": {"sockets": 200, "recv_bytes": "4k"}},
        {"target": ["recvmmsg", "uring"], "with": {"sockets": 200, "recv_batch": [1, 2, 64]}},
    ]
    for record in Session(uhbench, folder, cells).records(0):
        knobs = record["cell"]["knobs"]
        check_good(record, 9 if knobs["filter"] == "ports" else knobs["sockets"])


def test_more_sockets_than_one_process_may_open(uhbench, folder):
    session = Session(uhbench, folder, [{"target": "recvmsg", "with": {"sockets": 1000}}], "500ms",
                      preexec_fn=lambda: limit_files(400))
    holders = session.await_sockets(1000)
    if len(holders) < 3:
        sys.exit(f"{len(holders)} processes hold 1000 sockets under a limit of 400")
    check_good(session.records(0)[0], 1000)


def limit_files(count):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def test_the_kernel_agrees(uhbench, folder):
    cell = {"target": "recvmsg", "with": {"sockets": 400, "state": "connected"}}
    session = Session(uhbench, folder, [cell], "500ms")
    sockets = tcp_sockets(session.await_sockets(400)[0])
    mirrored = {(remote, local, state) for local, remote, state in sockets}
    if set(sockets) != mirrored or {s[2] for s in sockets} != {"01"}:
        sys.exit("the connected sockets are no established pairs")
    check_good(session.records(0)[0], 400)


@takes(ROOT)
def test_a_stranger_is_caught(uhbench, folder):
    for target in TARGETS:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            session = Session(uhbench, own, [{"target": target, "with": {"sockets": 100}}], "3s")
            pid = session.await_sockets(100)[0]
            with subprocess.Popen(["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c",
                                   LISTEN]) as stranger:
                record = session.records(3)[0]
                stranger.kill()
            expect(record["status"] == "failed" and
                   "101 records where 100 sockets exist" in record["reason"],
                   "an extra socket passed", record)


def test_a_lost_holder_is_caught(uhbench, folder):
    for target in TARGETS:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            session = Session(uhbench, own, [{"target": target, "with": {"sockets": 100}}], "3s")
            os.kill(session.await_sockets(100)[0], signal.SIGKILL)
            record = session.records(3)[0]
            expect(record["status"] == "failed" and
                   "records where 100 sockets exist" in record["reason"],
                   "missing sockets passed", record)


def test_small_buffers_say_so(uhbench, folder):
    cell = {"target": TARGETS, "depth": 2, "with": {"sockets": 200, "recv_bytes": 1024}}
    for record in Session(uhbench, folder, [cell]).records(3):
        expect(record["status"] == "failed" and "recv_bytes" in record["reason"],
               "truncated dumps passed", record)
        expect(record["metrics"]["truncated"]["value"] > 0, "not counted", record)


@takes(NOTHING)
def test_odd_pairs_are_refused(uhbench, folder):
    cell = {"target": "recvmsg", "with": {"sockets": 3, "state": "connected"}}
    session = Session(uhbench, folder, [cell])
    _, err = session.program.communicate(timeout=60)
    if session.program.returncode != 2 or "whole pairs" not in err:
        sys.exit(f"half a connection exits {session.program.returncode}: {err}")


@takes(NOTHING)
def test_without_root(uhbench, folder):
    """In a user namespace it works; where there is none, the record says why it was left out."""
    options = {}
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    with open(uhbench, "rb") as program:
        session = Session(f"/proc/self/fd/{program.fileno()}", folder,
                          [{"target": "recvmsg", "with": {"sockets": 50}}], cwd="/",
                          pass_fds=[program.fileno()], **options)
        record = session.records(0)[0]
    if record["status"] in ("skipped", "unsupported"):
        expect(record["reason"], "left out without a reason", record)
        return
    check_good(record, 50)


def why_not(test):
    """Why a test cannot run here; None: it can."""
    needed = getattr(test, "takes", NAMESPACES)
    if os.geteuid() == 0 or needed == NOTHING:
        return None
    if needed == ROOT:
        return "reaches into a run, which takes root"
    probe = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    return "no user namespaces, and no root" if probe.returncode else None


def main():
    uhbench = os.path.abspath(sys.argv[1])
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        reason = why_not(test)
        if reason:
            print(f"{name}: skipped: {reason}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            begin = time.monotonic()
            test(uhbench, folder)
            print(f"{name}: {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    main()
