# SPDX-License-Identifier: MIT
"""The rows of ci/peers: what is measured of ours, what of the peer, and the bar."""
import json
import os
import subprocess
import time

from bench import Failed, Missing, Row, WARMUP_S, WINDOW_S, ours, throughput
import probe_closure
import probe_cost
import probe_cqe
import probe_sched

# nop

def nop_loop(bench):
    return float(bench.call([bench.compiled("nop_loop", "-luring"), "128", "32",
                             str(int(WARMUP_S * 1000)), str(int(WINDOW_S * 1000))]))


# wal

LOG_BYTES = 64 << 20
FLUSHED = 0.98  # flushes for each operation, at least


def log_file(bench):
    """A zero-filled file that is on the disk, as our own logs are."""
    path = os.path.join(bench.work, "fio.log")
    if not os.path.exists(path):
        with open(path, "wb") as f:
            for _ in range(LOG_BYTES >> 20):
                f.write(bytes(1 << 20))
            f.flush()
            os.fsync(f.fileno())
    return path


def whole_disk(device):
    """The disk that a device number is a part of, since only that counts flushes."""
    folder = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if os.path.exists(os.path.join(folder, "partition")):
        folder = os.path.dirname(folder)
    return os.path.basename(folder)


def device_flushes(path):
    """Flush requests that the disk under `path` has completed (field 19 of diskstats)."""
    disk = whole_disk(os.stat(path).st_dev)
    with open("/proc/diskstats", encoding="utf-8") as f:
        for line in f:
            fields = line.split()
            if fields[2] == disk:
                return int(fields[18]) if len(fields) > 18 else None
    return None


def demand_flushes(bench, who, flushes, operations):
    """Without its flushes an fsync is no fsync, and its rate nothing to compare with."""
    if flushes is None:
        bench.notes.append(f"{who}: the device does not count flushes")
    elif flushes < FLUSHED * operations:
        raise Failed(f"{who}: {flushes:.0f} flushes for {operations:.0f} operations")


def rate_after_warmup(log):
    """Mean of fio's writes per second in steps of 100 ms, those of the warm-up left out."""
    with open(log, encoding="utf-8") as f:
        steps = [[int(field) for field in line.split(",")[:3]] for line in f]
    rates = [rate for msec, rate, kind in steps if msec > WARMUP_S * 1000 and kind == 1]
    if len(rates) < WINDOW_S * 5:
        raise Failed(f"fio logged only {len(rates)} steps")
    return sum(rates) / len(rates)


def fio(*arguments, per_flush=1):
    """Without fio's ramp_time, whose flushes the disk counts and whose writes fio does not."""
    def run(bench):
        path, log = log_file(bench), os.path.join(bench.work, "fio")
        before = device_flushes(path)
        out = bench.call(["fio", "--name=log", f"--filename={path}", f"--size={LOG_BYTES}",
                          "--rw=write", "--bs=4k", "--overwrite=1", "--time_based",
                          f"--runtime={int((WARMUP_S + WINDOW_S) * 1000)}ms",
                          f"--write_iops_log={log}", "--log_avg_msec=100",
                          "--output-format=json", *arguments])
        after = device_flushes(path)
        write = json.loads(out[out.index("{"):])["jobs"][0]["write"]
        demand_flushes(bench, "fio", None if before is None else after - before,
                       write["total_ios"] / per_flush)
        return rate_after_warmup(log + "_iops.1.log")
    return run


def wal_sync(bench):
    record = bench.cell(workload="wal", target="sync")
    rate, window = throughput(record), record["window"]
    seconds = (window["end_ns"] - window["begin_ns"]) / 1e9
    demand_flushes(bench, "ours", record["metrics"]["device_flushes"]["value"], rate * seconds)
    return rate


def group(threads, spin=0):
    """Leader and followers. Who waits sleeps, as in the books, unless `spin` is given: both targets
    have the knob, and every row gives both the same."""
    return ours(workload="wal", target="group", threads=threads, **{"with": {"spin": spin}})


def uring_group(threads, depth=1, direct=False, spin=0):
    knobs = {"direct": True, "flush": "dsync"} if direct else {}
    return ours(workload="wal", target="uring-group", threads=threads, depth=depth, batch=depth,
                **{"with": {**knobs, "spin": spin}})


# udp

def udp_buffer():
    """A receive buffer that each side of a row gets: iperf3 and sockperf have no way to exceed
    these limits, and iperf3 asks for as large a send buffer."""
    limits = []
    for name in "rmem_max", "wmem_max":
        with open(f"/proc/sys/net/core/{name}", encoding="utf-8") as f:
            limits.append(int(f.read()))
    return min(4 << 20, *limits)


def udp(target, depth=1, connected=False):
    def run(bench):
        size = udp_buffer()
        record = bench.cell(workload="udp", target=target, payload=64, depth=depth, batch=depth,
                            **{"with": {"link": "loopback", "connected": connected,
                                        "sink_rcvbuf": size}})
        got = record["verify"]["sink_rcvbuf_bytes"]
        if got != size:
            raise Failed(f"our sink receives into {got} bytes instead of {size}")
        bench.notes.append(f"every receiver has {size} bytes of buffer")
        return throughput(record)
    return run


def udp_peer(name):
    def run(bench):
        script = os.path.join(bench.root, "ci", "peers.d", "udp_loopback")
        return float(bench.call(["unshare", "-n", script, name, "2", str(udp_buffer())]))
    return run


# netlink

SOCKETS = 10000


def dump_seconds(bench):
    record = bench.cell(workload="netlink", target="recvmsg",
                        **{"with": {"sockets": SOCKETS, "state": "listening"}})
    return 1 / throughput(record)


def ss_seconds(bench):
    script = os.path.join(bench.root, "ci", "peers.d", "ss_dump.py")
    whole, start = map(float, bench.call(
        ["unshare", "-n", "python3", script, str(SOCKETS), "21"]).split())
    bench.notes.append(f"starting ss takes about {start * 1e3:.0f} ms of its time")
    return whole


# the harness itself

def start_and_stop_ms(bench):
    """From sessions of 1 and of 41 runs: what one run costs beside its warm-up and its window."""
    took = []
    window_s, runs = 0.02, 41
    for repeats in (1, runs):
        begin = time.monotonic()
        bench.session({"repeats": repeats, "warmup": "20ms", "duration": "20ms",
                       "cells": [{"workload": "nop", "target": "null"}]})
        took.append(time.monotonic() - begin)
    return ((took[1] - took[0]) / (runs - 1) - 2 * window_s) * 1e3


def run_and_wait(bench, argv):
    """Seconds and resident MB (the largest of the program and of what it waited for)."""
    with open(os.path.join(bench.work, "log"), "w", encoding="utf-8") as log:
        begin = time.monotonic()
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        with open(log.name, encoding="utf-8") as said:
            raise Failed(f"{argv[1]} exits {child.returncode}: {said.read()[-300:]}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def big_session(bench):
    """A session of 10 000 runs in 1000 cells, made once. Returns its folder and the parent's MB."""
    path = os.path.join(bench.work, "big")
    if not os.path.isdir(path):
        matrix = {"repeats": 10, "warmup": "1ms", "duration": "2ms",
                  "cells": [{"workload": "nop", "target": "null", "depth": 1000,
                             "batch": list(range(1, 1001))}]}
        with open(path + ".json", "w", encoding="utf-8") as f:
            json.dump(matrix, f)
        bench.big_mb = run_and_wait(bench, [bench.uhbench, "run", path + ".json", "-o", path])[1]
    return path


def parent_mb(bench):
    big_session(bench)
    return bench.big_mb


def html_seconds(bench):
    path = big_session(bench)
    seconds, megabytes = run_and_wait(bench, [
        bench.uhbench, "report", path, "--format", "html", "-o",
        os.path.join(bench.work, "big.html")])
    bench.notes.append(f"the report takes {megabytes:.0f} MB")
    return seconds


ROWS = [
    Row("nop-uring", "nop/uring depth 128, batch 32 : a plain liburing loop", 0.95,
        ours(workload="nop", target="uring", depth=128, batch=32), nop_loop),
    Row("wal-sync", "wal/sync : fio sync, fdatasync=1, overwrite=1", 0.97, wal_sync,
        fio("--ioengine=sync", "--fdatasync=1"), needs=("fio",), rounds=11),
    Row("wal-depth32-group", "wal/uring-group 1 x 32 : wal/group 32 x 1", 2.2,
        uring_group(1, 32), group(32)),
    Row("wal-depth32-fio", "wal/uring-group 1 x 32 : fio io_uring depth 32, fdatasync=32", 2.2,
        uring_group(1, 32), fio("--ioengine=io_uring", "--iodepth=32", "--fdatasync=32",
                                per_flush=32), needs=("fio",)),
    Row("wal-depth128-group", "wal/uring-group 1 x 128, direct, dsync : wal/group 128 x 1",
        4.5, uring_group(1, 128, direct=True), group(128)),
    Row("wal-threads32-group", "wal/uring-group 32 x 1 : wal/group 32 x 1", 1.15,
        uring_group(32), group(32)),
    Row("wal-threads128-group", "wal/uring-group 128 x 1, direct, dsync : wal/group 128 x 1",
        2, uring_group(128, direct=True), group(128)),
    Row("wal-threads32-spin", "the row wal-threads32-group, both with spin 500us", 1.15,
        uring_group(32, spin="500us"), group(32, spin="500us")),
    Row("wal-threads128-spin", "the row wal-threads128-group, both with spin 500us", 2,
        uring_group(128, direct=True, spin="500us"), group(128, spin="500us")),
    Row("udp-sendto", "udp/sendto 64 B loopback, delivered : iperf3 -u -b 0 -l 64", 1.05,
        udp("sendto", connected=True), udp_peer("iperf3"),  # iperf3 connects its socket too
        needs=("iperf3", "unshare", "ip", "ss"), root=True),
    Row("udp-sendto-sockperf", "udp/sendto 64 B loopback, delivered : sockperf throughput", 1.0,
        udp("sendto"), udp_peer("sockperf"),  # neither connects
        needs=("sockperf", "unshare", "ip", "ss"), root=True),
    Row("udp-gso", "udp/gso 64 B loopback, depth 64, batch 64, delivered : udp/sendto 1 x 1", 3.5,
        udp("gso", 64), udp("sendto")),
    Row("netlink-recvmsg", "netlink/recvmsg, a dump of 10 k listeners : ss -tan", 1.7,
        dump_seconds, ss_seconds, unit="s", smaller=True, needs=("ss", "unshare", "ip"),
        root=True),
    Row("start-up", "one run of nop/null beside its warm-up and window", 20, start_and_stop_ms,
        unit="ms"),
    Row("memory-10000-runs", "memory of uhbench run over 10 000 runs", 200, parent_mb, unit="MB",
        rounds=1),
    Row("html-10000-runs", "uhbench report --format html for 10 000 runs", 10, html_seconds,
        unit="s", rounds=1),
]
ROWS += probe_closure.ROWS + probe_cost.ROWS + probe_cqe.ROWS + probe_sched.ROWS
