# SPDX-License-Identifier: MIT
"""What tests ask of bpf(2) and /proc about programs, maps and links. Lists of everything on the
machine change while they are read, so only single objects are asked for."""
import ctypes
import fcntl
import os
import struct

SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
SYS_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
PROG_LOAD, LINK_CREATE, PERF_EVENT = 5, 28, 41  # enum bpf_cmd, enum bpf_attach_type
IOC_SET_BPF = 0x40042408
NEXT_ID = {"prog": 11, "map": 12, "link": 31}  # enum bpf_cmd
libc = ctypes.CDLL(None, use_errno=True)
LICENSE = ctypes.create_string_buffer(b"MIT")


def kernel_has(kind, number):
    """Is there an object with this id? The next one after its predecessor would be it."""
    attr = struct.pack("=III", number - 1, 0, 0) + bytes(108)
    buf = ctypes.create_string_buffer(attr, len(attr))
    if libc.syscall(SYS_BPF, NEXT_ID[kind], buf, len(attr)):
        return False
    return struct.unpack_from("=II", buf.raw)[1] == number


def checked(number, *args):
    fd = libc.syscall(number, *args)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd


def load(name):
    """A program for plain tracepoints that does nothing."""
    code = ctypes.create_string_buffer(struct.pack("=QQ", 0xb7, 0x95), 16)  # r0 = 0; exit
    attr = struct.pack("=IIQQIIQII16s", 5, 2, ctypes.addressof(code),
                       ctypes.addressof(LICENSE), 0, 0, 0, 0, 0, name.encode()) + bytes(64)
    return checked(SYS_BPF, PROG_LOAD, attr, len(attr))


def attach(prog, event, link):
    """To a plain tracepoint, by a link or as before there were links. Returns what holds it."""
    with open(f"/sys/kernel/tracing/events/{event}/id", encoding="ascii") as f:
        attr = struct.pack("=IIQQQQQ", 2, 64, int(f.read()), 0, 0, 0, 1) + bytes(16)
    fd = checked(SYS_PERF_EVENT_OPEN, attr, -1, 0, -1, 0)
    if link:
        attr = struct.pack("=IIII", prog, fd, PERF_EVENT, 0) + bytes(48)
        return fd, checked(SYS_BPF, LINK_CREATE, attr, len(attr))
    fcntl.ioctl(fd, IOC_SET_BPF, prog)
    return (fd,)


def held(pid):
    """{(kind, id)} of all BPF objects that a process has descriptors of."""
    found = set()
    try:
        fds = os.listdir(f"/proc/{pid}/fdinfo")
    except OSError:
        return found
    for fd in fds:
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="utf-8") as f:
                lines = dict(line.split(":", 1) for line in f if ":" in line)
        except OSError:
            continue
        # A link's descriptor tells its program, too.
        for kind in ("link", "prog", "map"):
            if kind + "_id" in lines:
                found.add((kind, int(lines[kind + "_id"])))
                break
    return found


def links(pid):
    return {item for item in held(pid) if item[0] == "link"}
