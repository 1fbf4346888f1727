#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The proofs of proofs.sh in a virtual machine, since few machines have a ublk driver.

    test_ublk_vm.py UHBENCH TEST_UBLK_CTL SERVE_CYCLES [--long] [--only WORD]

--long is every proof in full length, which takes the better part of an hour where the machine is
emulated; --only takes those whose line holds WORD. The driver gives a device no more queues than
there are CPUs, so proofs with many queues have a machine of their own, and the others a quicker one.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOOLS = ["fio", "mkfs.ext4", "fsck.ext4", "fstrim", "blkdiscard", "fallocate", "losetup"]
FEW_CPUS, MANY_CPUS = 4, 8
BACKENDS = ["memory", "file"]
SIZES = ["512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1M"]

ALWAYS = [
    "control",
    "doctor",
    "liar lose-writes",
    "liar corrupt-reads",
    *(f"fio {backend} {queues}" for backend in BACKENDS for queues in range(1, 9)),
    "fio memory 1 queue_depth=1",
    "fio memory 2 queue_depth=1024 max_io_bytes=64k",
    "fio file 2 copy=user",
    *(f"erase {backend}" for backend in BACKENDS),
    "flush",
]
SHORT = ALWAYS + [
    "ext4 memory 1",
    "ext4 file 8",
    "sizes memory 512 1M",
    "cycles 50",
    "kill 8 1",
]
LONG = ALWAYS + [
    *(f"ext4 {backend} {queues}" for backend in BACKENDS for queues in range(1, 9)),
    "ext4 memory 4 copy=user lock=sharded",
    "ext4 memory 4 server_threads=2",
    "erase memory copy=user",
    *(f"sizes {backend} {' '.join(SIZES)}" for backend in BACKENDS),
    "cycles 1000",
    "kill 100 1",
]


def find(tool):
    return shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")


def queues_of(line):
    """fio BACKEND QUEUES and ext4 BACKEND QUEUES; the others take two."""
    words = line.split()
    return int(words[2]) if words[0] in ("fio", "ext4") else 2


def run(args, cpus, proofs, seconds):
    """Boots a machine, proves the lines, one after the other. Ends the program when one fails."""
    with tempfile.NamedTemporaryFile("w") as lines:
        lines.write("".join(f"{line}\n" for line in proofs))
        lines.flush()
        here = os.path.dirname(os.path.abspath(__file__))
        added = {find(tool): tool for tool in TOOLS}
        added.update({os.path.join(here, "proofs.sh"): "proofs.sh", lines.name: "lines",
                      args.test_ublk_ctl: "test_ublk_ctl", args.serve_cycles: "serve_cycles"})
        command = [args.uhbench, "vm", "--cpus", str(cpus), "--memory", "3G", "--timeout", f"{seconds}s"]
        for path, name in added.items():
            command += ["--add", f"{path}:/proof/{name}"]
        command += ["--", "sh", "-c", "sh /proof/proofs.sh all </proof/lines"]
        machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   text=True)
        proved = []
        for line in machine.stdout:
            print(line, end="", flush=True)
            if line.startswith("ok "):
                proved.append(line)
        code = machine.wait()
    if code:
        sys.exit(f"the machine ends with {code}")
    if len(proved) != len(proofs):
        sys.exit(f"{len(proved)} of {len(proofs)} proofs are there")


def main():
    parser = argparse.ArgumentParser()
    for name in ("uhbench", "test_ublk_ctl", "serve_cycles"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    missing = [tool for tool in ["qemu-system-x86_64", *TOOLS] if not find(tool)]
    if missing:
        print(f"skipped: no {', '.join(missing)} here (ci/setup vm)")
        sys.exit(77)
    proofs = [line for line in (LONG if args.long else SHORT) if args.only in line]
    began = time.monotonic()
    few = [line for line in proofs if queues_of(line) <= FEW_CPUS]
    many = [line for line in proofs if queues_of(line) > FEW_CPUS]
    for cpus, lines in ((FEW_CPUS, few), (MANY_CPUS, many)):
        if lines:
            run(args, cpus, lines, 7200 if args.long else 900)
    print(f"{len(proofs)} proofs in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
