#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What arming a run takes, as seen by another rig: maps are emptied in few calls.

usage: test_arm.py PROBE_RIG
"""

import sys

from rig import Rig

ALL = "sched,lock,cqe,syscalls,block"
MOST = 3000 # bpf(2) calls from open to close; the maps have more than 20,000 elements


def main():
    rig = Rig(sys.argv[1])
    for hooks in rig.hooks("sched"):
        seen = rig.run("syscalls", [rig.path, "-k", f"hooks={hooks}", ALL, "true"])["syscalls"]
        calls = sum(row["count"] for row in seen["calls"] if row["syscall"] == "bpf")
        print(f"{hooks}: {calls} calls of bpf(2)")
        assert 100 < calls < MOST, (hooks, calls)


if __name__ == "__main__":
    main()
