#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests as `block` counts them, on a loop device that is nobody else's, against /proc/diskstats
and against what the caller saw.

usage: test_block.py PROBE_RIG
"""

import os
import shutil
import subprocess
import sys
import tempfile

from rig import Rig, skip

READS, WRITES, FSYNCS, BLOCK = 400, 300, 50, 4096
DEVICE_BYTES = 8 << 20

# Reads and writes of one block each, past the page cache; then writes that are synced one by one.
# Says the median time of a sync.
LOAD = """
import mmap, os, sys, time
path, reads, writes, syncs, block, out = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
fd = os.open(path, os.O_RDWR | os.O_DIRECT)
buffer = mmap.mmap(-1, block)
for i in range(reads):
    assert os.preadv(fd, [buffer], i * block) == block
for i in range(writes):
    assert os.pwritev(fd, [buffer], i * block) == block
took = []
for i in range(syncs):
    os.pwritev(fd, [buffer], i * block)
    begin = time.monotonic_ns()
    os.fsync(fd)
    took.append(time.monotonic_ns() - begin)
open(out, "w").write(str(sorted(took)[len(took) // 2]))
"""

# Writes that the device cannot do.
FAILING = """
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
buffer, failed = mmap.mmap(-1, 4096), 0
for i in range(16):
    try:
        os.pwritev(fd, [buffer], (4 << 20) + i * 4096)
    except OSError:
        failed += 1
sys.exit(0 if failed == 16 else 1)
"""


class Difference(AssertionError):
    """Counts that differ from what they should be."""


class Loop:
    """A loop device on a sparse file in a folder."""

    def __init__(self, folder):
        path = os.path.join(folder, "backing")
        with open(path, "wb") as file:
            file.truncate(DEVICE_BYTES)
        done = subprocess.run(["losetup", "--find", "--show", path], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            skip(f"no loop device can be made: {done.stderr.strip()}")
        self.path = done.stdout.strip()
        self.name = os.path.basename(self.path)
        if shutil.which("udevadm"):
            subprocess.run(["udevadm", "settle"], check=False)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        subprocess.run(["losetup", "--detach", self.path], check=True)

    def diskstats(self):
        """Reads, bytes read, writes, bytes written, flushes (Documentation/admin-guide/iostats)."""
        with open("/proc/diskstats", encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[2] == self.name:
                    return [int(words[3]), int(words[5]) * 512, int(words[7]), int(words[9]) * 512,
                            int(words[18])]
        raise AssertionError(f"{self.name} is not in /proc/diskstats")


def requests(seen, device):
    """{operation: [rows]} of one device"""
    rows = {}
    for row in seen["devices"]:
        if row["device"] == device:
            rows.setdefault(row["operation"], []).append(row)
    return rows


def total(rows, key):
    return sum(row[key] for row in rows)


def median(row):
    """Upper end of the bucket: see results/README.md."""
    left = row["histogram"]["count"] / 2
    for i, n in row["histogram"]["buckets"]:
        left -= n
        if left <= 0:
            break
    shift = max(i // 128 - 1, 0)
    return (i + 1 if i < 256 else ((i % 128 + 128) + 1) << shift) - 1


def check_counts(rig, hooks, loop, folder, reads=READS):
    out, before = os.path.join(folder, "fsync_ns"), []
    command = [sys.executable, "-c", LOAD, loop.path, reads, WRITES, FSYNCS, BLOCK, out]
    seen = rig.complete("block", command, {"hooks": hooks}, lambda: before.append(loop.diskstats()))
    stats = [now - then for now, then in zip(loop.diskstats(), before[-1])]
    assert (seen["hooks"], seen["map_full"]) == (hooks, 0), (seen["hooks"], seen["map_full"])
    rows = requests(seen, loop.name)
    ours = [total(rows["read"], "count"), total(rows["read"], "bytes"),
            total(rows["write"], "count"), total(rows["write"], "bytes"),
            total(rows["flush"], "count")]
    # An fsync is a write without data to the kernel, and counted there as one; no device sees it.
    stats[2] -= FSYNCS
    print(f"{hooks}: reads, bytes, writes, bytes, flushes: {ours}, diskstats {stats}")
    made = [READS, READS * BLOCK, WRITES + FSYNCS, (WRITES + FSYNCS) * BLOCK, FSYNCS]
    if ours != stats or ours != made:
        raise Difference(hooks, ours, stats, made)
    assert total(sum(rows.values(), []), "failed") == 0, rows
    assert {row["by"] for row in rows["read"] + rows["write"]} == {"watched"}, (hooks, rows)
    for row in sum(rows.values(), []):
        assert row["count"] == sum(row["slots"]) == row["histogram"]["count"], (hooks, row)
    with open(out, encoding="ascii") as file:
        fsync_ns = int(file.read())
    flush_ns = median(max(rows["flush"], key=lambda row: row["count"]))
    assert 0 < flush_ns <= fsync_ns * 1.01, (hooks, flush_ns, fsync_ns)


def check_difference_is_found(rig, hooks, loop, folder):
    """The comparison above does fail for another load."""
    try:
        check_counts(rig, hooks, loop, folder, READS + 1)
    except Difference:
        return
    raise AssertionError("a load of other counts was not told apart")


def check_failures(rig, hooks, folder):
    """A device on a file that has no room: its writes fail, and are told so."""
    small = os.path.join(folder, "small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    try:
        with open(os.path.join(small, "fill"), "wb") as file:
            file.write(bytes(64 << 10))
        with Loop(small) as loop:
            before = []
            seen = rig.complete("block", [sys.executable, "-c", FAILING, loop.path],
                                {"hooks": hooks}, lambda: before.append(loop.diskstats()))
            stats = [now - then for now, then in zip(loop.diskstats(), before[-1])]
            writes = requests(seen, loop.name)["write"]
            ours = (total(writes, "count"), total(writes, "failed"))
            assert ours == (16, 16) and stats[2] == 16, (
                hooks, ours, stats, {key: seen[key] for key in seen if key != "devices"})
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)
        os.rmdir(small)


def main():
    rig = Rig(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        for hooks in rig.hooks("block"):
            with Loop(folder) as loop:
                check_counts(rig, hooks, loop, folder)
                check_difference_is_found(rig, hooks, loop, folder)
            check_failures(rig, hooks, folder)


if __name__ == "__main__":
    main()
