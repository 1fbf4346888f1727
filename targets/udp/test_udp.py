# SPDX-License-Identifier: MIT
"""udp end to end: every way of sending over every link adds up, losses are found where they were
made, and datagrams that nobody sent are caught.

    test_udp.py UHBENCH
"""
import contextlib
import ctypes
import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

NOBODY = 65534
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438  # the same on every architecture
SIOCGSKNS = 0x894C  # linux/sockios.h: the network namespace of a socket
TARGETS = ["sendto", "sendmmsg", "gso", "uring"]
BATCHING = {"depth": 32, "batch": 16}

# What a test takes beside the program; most need network namespaces, which a user may make.
NOTHING, NAMESPACES, ROOT = range(3)


def takes(needed):
    def mark(test):
        test.takes = needed
        return test
    return mark


class Session:
    def __init__(self, uhbench, folder, cells, duration="60ms", **options):
        matrix = os.path.join(folder, "matrix.json")
        self.out = os.path.join(folder, "out")
        with open(matrix, "w", encoding="utf-8") as file:
            json.dump({"name": "t", "repeats": 1, "warmup": "20ms", "duration": duration,
                       "cells": [{"workload": "udp"} | cell for cell in cells]}, file)
        self.program = subprocess.Popen([uhbench, "run", matrix, "-o", self.out, "--concurrent"],
                                        text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **options)

    def await_run(self):
        """The process that runs the cell, once its sink is there."""
        for _ in range(2000):
            found = [pid for pid in descendants(self.program.pid) if has_driver(pid)]
            if found:
                return found[0]
            if self.program.poll() is not None:
                sys.exit(f"ended too early: {self.program.stderr.read()}")
            time.sleep(0.005)
        sys.exit("no run ever started")

    def records(self, code):
        out, err = self.program.communicate(timeout=120)
        if self.program.returncode != code:
            sys.exit(f"exit code {self.program.returncode} instead of {code}: {out}{err}")
        with open(os.path.join(self.out, "runs.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]


def descendants(root):
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                parents[int(pid)] = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    below = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        if not more:
            return below
        below |= more


def has_driver(pid):
    names = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as file:
                names.append(file.read())
    except OSError:
        return False
    return any(name.startswith("driver") for name in names)


def expect(condition, text, record):
    if not condition:
        sys.exit(f"{text}: {json.dumps(record, indent=1)}")


def check_sums(record):
    """The ledger once more, by other code than the one that made it."""
    v = record["verify"]
    expect(record["status"] == "ok", "not ok", record)
    expect(v["offered"] == v["sent"] + v["refused"], "offered", record)
    expect(v["refused"] == sum(v["refused_" + e] for e in ("eagain", "enobufs", "econnrefused")),
           "refused", record)
    expect(v["sent"] == v["delivered"] + sum(n for name, n in v.items()
                                             if name.startswith("dropped_")), "sent", record)
    expect(v["unaccounted_at_most"] == 0 or record["cell"]["target"] == "gso", "guessed", record)
    expect(v["unaccounted"] == v["corrupted"] == v["duplicated"] == v["stale"] == 0, "oracle",
           record)


def check_good(record):
    check_sums(record)
    expect(record["verify"]["delivered"] > 0, "nothing arrived", record)
    expect(record["verify"]["refused"] == 0, "refused without a reason", record)


def test_good_cells(uhbench, folder):
    links = ["loopback", "veth"]
    cells = [
        {"target": TARGETS, **BATCHING, "with": {"link": links, "connected": [False, True]}},
        {"target": TARGETS, **BATCHING, "threads": 2, "with": {"link": links,
                                                              "destinations": [0, 1, 5]}},
        {"target": TARGETS, **BATCHING, "with": {"connected": True, "destinations": 5,
                                                "sink_threads": 2}},
        {"target": TARGETS, **BATCHING, "payload": [32, 65507], "with": {"link": links}},
        {"target": TARGETS, "depth": 300, "batch": 300, "with": {"link": links}},
        {"target": TARGETS, "depth": 8, "batch": 2, "rate": 2000},
        {"target": "uring", **BATCHING, "with": {"fixed_files": True, "defer_taskrun": True,
                                                "connected": [False, True], "destinations": 3}},
    ]
    for record in Session(uhbench, folder, cells).records(0):
        check_good(record)


def test_order_is_kept(uhbench, folder):
    """Also where lanes move between CPUs, but for a target that promises no order; and on one CPU
    nothing but the sender could change the order, whatever the target."""
    cell = {"target": TARGETS, **BATCHING, "threads": 4, "with": {"link": ["loopback", "veth"]}}
    for record in Session(uhbench, folder, [cell]).records(0):
        check_good(record)
        expect(record["verify"]["reordered"] == 0 or record["cell"]["target"] == "uring",
               "reordered", record)
    folder = os.path.join(folder, "pinned")
    os.mkdir(folder)
    cell = {"target": TARGETS, **BATCHING, "cpus": {"driver": "0"},
            "with": {"destinations": [1, 5], "connected": [False, True]}}
    for record in Session(uhbench, folder, [cell]).records(0):
        check_good(record)
        expect(record["verify"]["reordered"] == 0, "reordered", record)


def test_small_sink_buffer(uhbench, folder):
    cell = {"target": ["sendto", "gso"], **BATCHING, "with": {"sink_rcvbuf": 4096,
                                                             "link": ["loopback", "veth"]}}
    for record in Session(uhbench, folder, [cell]).records(0):
        check_good(record)
        expect(record["verify"]["dropped_sink_socket"] > 0, "no drop at the socket", record)
        expect(record["metrics"]["loss_ratio"]["value"] > 0, "no loss", record)


def test_full_send_buffer(uhbench, folder):
    knobs = {"link": "veth", "link_rate": 8000000, "sndbuf": 8192}
    cells = [{"target": TARGETS, **BATCHING, "with": knobs | {"nonblock": [False, True]}}]
    for record in Session(uhbench, folder, cells, "200ms").records(0):
        check_sums(record)
        v = record["verify"]
        expect(v["sent"] == v["delivered"], "lost although the queue holds everything", record)
        nonblock = record["cell"]["knobs"]["nonblock"]
        expect((v["refused_eagain"] > 0) == nonblock, "EAGAIN", record)
        rate = record["metrics"]["throughput"]["value"] * 8 * (64 + 42)
        expect(rate < 1.5 * 8000000, "faster than the link", record)


def test_full_queue(uhbench, folder):
    knobs = {"link": "veth", "link_rate": 8000000, "link_queue": 20000, "sndbuf": "1M"}
    cells = [{"target": TARGETS, **BATCHING, "payload": [64, 1400], "with": knobs}]
    for record in Session(uhbench, folder, cells, "100ms").records(0):
        check_good(record)
        expect(record["verify"]["dropped_qdisc"] > 0, "no drop in the qdisc", record)


def test_nobody_listens(uhbench, folder):
    cell = {"target": TARGETS, **BATCHING, "with": {"sink": "closed", "connected": [False, True],
                                                   "link": ["loopback", "veth"]}}
    for record in Session(uhbench, folder, [cell]).records(0):
        check_sums(record)
        v, knobs = record["verify"], record["cell"]["knobs"]
        expect(v["delivered"] == 0 and v["dropped_no_port"] == v["sent"] > 0, "no port", record)
        # The kernel forgets an error that stops sendmmsg(2) in the middle: see sendmmsg.c.
        if knobs["link"] == "loopback" and record["cell"]["target"] != "sendmmsg":
            expect((v["refused_econnrefused"] > 0) == knobs["connected"], "refusals", record)


@contextlib.contextmanager
def inside(there):
    """In another network namespace; takes over the descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        enter(libc, there)
        yield
    finally:
        enter(libc, home)
        os.close(there)
        os.close(home)


def senders_namespace(pid):
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)


def namespace_of(taken):
    return fcntl.ioctl(taken, SIOCGSKNS)


def enter(libc, namespace):
    if libc.setns(namespace, 0):
        raise OSError(ctypes.get_errno(), "setns")


def inject(uhbench, folder, link, at, copies):
    """Takes one datagram off the wire and sends it again, `copies` times, changed at byte `at`."""
    device = {"loopback": "lo", "veth": "uh-send"}[link]
    session = Session(uhbench, folder, [{"target": "sendto", "with": {"link": link}}], "1s")
    with inside(senders_namespace(session.await_run())), \
            socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as wire, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        wire.bind((device, 3))  # ETH_P_ALL: only that sees what a device sends
        packet = wire.recv(65536)
        to = socket.inet_ntoa(packet[16:20]), int.from_bytes(packet[22:24], "big")
        data = bytearray(packet[28:])
        if at >= 0:
            data[at] ^= 1
        for _ in range(copies):
            sender.sendto(data, to)
    return session.records(3)[0]


@takes(ROOT)
def test_strangers_are_caught(uhbench, folder):
    for link in ["loopback", "veth"]:
        # A byte of the body, of the sum, of the sequence number; then an exact copy, twice.
        for at, copies, reason in [(60, 1, "1 datagrams arrived corrupted"),
                                   (5, 1, "1 datagrams arrived corrupted"),
                                   (16, 3, "3 datagrams arrived corrupted"),
                                   (-1, 2, "2 datagrams arrived (twice|too late)")]:
            with tempfile.TemporaryDirectory(dir=folder) as own:
                record = inject(uhbench, own, link, at, copies)
            expect(record["status"] == "failed" and re.search(reason, record["reason"]),
                   f"{link}, byte {at} changed: not caught", record)


def sink_socket(pid):
    """The run's receiving socket: the only one that is bound to an address."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(SYS_PIDFD_OPEN, pid, 0)
    for number in map(int, os.listdir(f"/proc/{pid}/fd")):
        if not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
            continue
        taken = socket.socket(fileno=libc.syscall(SYS_PIDFD_GETFD, pidfd, number, 0))
        name = taken.getsockname() if taken.family == socket.AF_INET else ("0.0.0.0", 0)
        if name[0] != "0.0.0.0":
            os.close(pidfd)
            return taken
    sys.exit("the run has no sink")


def steal(sink, count):
    stolen = []
    while len(stolen) < count:
        try:
            stolen.append(sink.recv(65536, socket.MSG_DONTWAIT))
        except BlockingIOError:
            continue
    return stolen


@takes(ROOT)
def test_a_theft_is_caught(uhbench, folder):
    session = Session(uhbench, folder, [{"target": "sendto"}], "1s")
    with sink_socket(session.await_run()) as sink:
        steal(sink, 3)
    record = session.records(3)[0]
    expect(record["status"] == "failed" and
           re.search("3 of [0-9]+ datagrams sent are missing", record["reason"]),
           "three missing datagrams passed", record)


@takes(ROOT)
def test_a_delayed_datagram_is_caught(uhbench, folder):
    """Taken out of the sink's socket, and sent on once others have overtaken it."""
    for target, code in [("sendto", 3), ("sendmmsg", 3), ("gso", 3), ("uring", 0)]:
        cell = {"target": target, "rate": 2000, "with": {"connected": True}}
        with tempfile.TemporaryDirectory(dir=folder) as own:
            session = Session(uhbench, own, [cell], "2s")
            pid = session.await_run()
            with sink_socket(pid) as sink, inside(senders_namespace(pid)), \
                    socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                data = steal(sink, 1)[0]
                time.sleep(0.02)  # 40 datagrams, at 2000 a second
                sender.sendto(data, sink.getsockname())
            record = session.records(code)[0]
        expect(record["verify"]["reordered"] == 1, "not counted", record)
        if code:
            expect("1 datagrams arrived behind a later one" in record["reason"],
                   "a delayed datagram passed", record)
        else:
            check_good(record)


@takes(ROOT)
def test_a_refusing_device(uhbench, folder):
    """The far end of the veth takes nothing for a while: each loss is counted, and only once."""
    cell = {"target": ["sendto"], "with": {"link": "veth"}}
    session = Session(uhbench, folder, [cell], "1s")
    with sink_socket(session.await_run()) as sink, inside(namespace_of(sink)):
        for mtu in "68", "1500":  # 68 + headers are less than a packet of the run has
            subprocess.run(["ip", "link", "set", "uh-sink", "mtu", mtu], check=True)
            time.sleep(0.05)
    record = session.records(0)[0]
    check_good(record)
    expect(record["verify"]["dropped_device"] > 0, "no drop at the device", record)
    expect(record["verify"]["unaccounted_at_most"] == 0, "guessed", record)


def test_losses_of_buffers(uhbench, folder):
    """Lost buffers of several datagrams each: the ratio is that of datagrams."""
    knobs = {"link": "veth", "link_rate": 16000000, "link_queue": 20000, "sndbuf": "1M"}
    cells = [{"target": ["sendto", "gso"], **BATCHING, "with": knobs}]
    for record in Session(uhbench, folder, cells, "300ms").records(0):
        check_good(record)
        v = record["verify"]
        arrived = v["delivered"] / (v["dropped_qdisc"] + v["delivered"])
        found = 1 - record["metrics"]["loss_ratio"]["value"]
        expect(0 < arrived < 0.9, f"{arrived:.3f} of them arrived", record)
        expect(0.7 < found / arrived < 1.4, f"{arrived:.3f} arrived, not {found:.3f}", record)
        # 15 of 16 in a lost buffer are inferred.
        guessed = v["unaccounted_at_most"] > v["dropped_qdisc"] * 0.9
        expect(guessed == (record["cell"]["target"] == "gso"), "inferred", record)


@takes(NOTHING)
def test_odd_cells_are_refused(uhbench, folder):
    for knobs, payload, text in [({"link_rate": 1000000}, 64, "link_rate needs link = veth"),
                                 ({"mtu": 9000}, 64, "mtu needs link = veth"),
                                 ({"link": "veth", "mtu": 1500}, 1473, "needs an mtu of 1501"),
                                 ({}, 31, "31"), ({}, 65508, "65508")]:
        session = Session(uhbench, folder, [{"target": "gso", "payload": payload, "with": knobs}])
        _, err = session.program.communicate(timeout=60)
        if session.program.returncode != 2 or text not in err:
            sys.exit(f"{knobs} exits {session.program.returncode}: {err}")


@takes(NOTHING)
def test_without_root(uhbench, folder):
    """In user namespaces it works; where there are none, the record says why it was left out."""
    knobs = {"link": ["loopback", "veth"], "sndbuf": "64M"}
    options = {}
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    with open(uhbench, "rb") as program:
        session = Session(f"/proc/self/fd/{program.fileno()}", folder,
                          [{"target": "sendto", "with": knobs}], cwd="/",
                          pass_fds=[program.fileno()], **options)
        records = session.records(0)
    for record in records:
        if record["status"] in ("skipped", "unsupported"):
            expect(record["reason"], "left out without a reason", record)
            continue
        check_good(record)
        expect(any("sndbuf" in note for note in record["notes"]), "nobody got 64 MiB", record)


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
