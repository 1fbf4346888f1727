# SPDX-License-Identifier: MIT
"""Times `ss -tan` with N listening sockets, as netlink's workload has them.

    unshare -n python3 ss_dump.py SOCKETS TIMES

Runs in an empty network namespace. Prints two medians in seconds: of the whole command with all
sockets, and before there was any, which is what starting the program costs.
"""
import resource
import socket
import statistics
import subprocess
import sys
import time

PORTS_PER_ADDRESS = 5000


def time_ss(times):
    took = []
    for _ in range(times):
        begin = time.monotonic()
        subprocess.run(["ss", "-tan"], stdout=subprocess.DEVNULL, check=True)
        took.append(time.monotonic() - begin)
    return statistics.median(took)


def listen(count):
    """Sockets on 127.0.x.1, so that no listener shares a port with too many others."""
    sockets = []
    for i in range(count):
        address = f"127.0.{i // PORTS_PER_ADDRESS}.1"
        s = socket.socket()
        s.bind((address, 10000 + i % PORTS_PER_ADDRESS))
        s.listen(1)
        sockets.append(s)
    return sockets


def main():
    count, times = int(sys.argv[1]), int(sys.argv[2])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    empty = time_ss(times)
    sockets = listen(count)
    listed = subprocess.run(["ss", "-tanH"], capture_output=True, check=True).stdout
    if listed.count(b"\n") != len(sockets):
        sys.exit(f"ss lists {listed.count(10)} sockets, {len(sockets)} exist")
    print(time_ss(times), empty)


if __name__ == "__main__":
    main()
