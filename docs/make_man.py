# SPDX-License-Identifier: MIT
"""Fills a manual page's template with what the program says about itself.

    make_man.py UHBENCH TEMPLATE OUTPUT

So the tables of verbs, axes, knobs and metrics are those that the parser reads. A line that is just
@NAME@ is replaced by that table.
"""
import json
import re
import subprocess
import sys

LIMIT = 2 ** 53 - 2  # above: no limit of its own but that of exact integers
UNITS = {"size": ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "k")),
         "rate": ((10 ** 9, "G"), (10 ** 6, "M"), (10 ** 3, "k")),
         "time": ((10 ** 9, "s"), (10 ** 6, "ms"), (10 ** 3, "us"))}


def roff(text):
    """Text that roff does not take for anything else."""
    text = str(text).replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def sentence(text):
    """A capital in front, but not of a name: sendmmsg(2), io_uring, pwrite, a value and a colon."""
    first = re.split(r"[ ,;]", text)[0]
    name = re.search(r"[^a-z'-]", first) or first in NAMES
    return text if name else text[0].upper() + text[1:]


NAMES = ("fdatasync", "pwrite", "recvmsg", "recvmmsg", "sendto")


def quantity(value, kind):
    for size, unit in UNITS.get(kind, ()):
        if value and value % size == 0:
            return f"{value // size:.0f}{unit}"
    return f"{value:.0f}" if value or kind != "time" else "0"


def accepts(row):
    """What a knob takes, in words."""
    if row["type"] == "bool":
        return "true or false"
    if row["type"] == "cpus":
        return "object with CPU lists for " + ", ".join(row["choices"])
    if row["type"] == "enum":
        return " | ".join(row["choices"])
    if row["type"] == "string":
        return row["unit"] or "text"
    what = {"int": "whole number", "size": "size", "rate": "rate", "time": "time"}[row["type"]]
    low, high = quantity(row["min"], row["type"]), quantity(row["max"], row["type"])
    span = f"from {low}" if row["max"] >= LIMIT else f"{low} to {high}"
    unit = f" ({row['unit']})" if row["unit"] and row["type"] in ("int", "rate") else ""
    return f"{what}{unit}, {span}"


def default(row):
    value = row.get("default_text", row["default"])
    if value is None or value == "":
        return ""
    return f"; default {json.dumps(value) if isinstance(value, bool) else value}"


def knob(row):
    text = ("FAULT: " + row["help"] if row["fault"] else sentence(row["help"])) + "."
    return (f".TP\n.B {roff(row['name'])}\n{roff(text)}\n.br\n"
            f".RI ( {roff(accepts(row) + default(row)).replace(' ', chr(92) + ' ')} )\n")


def knobs(rows):
    return "".join(map(knob, rows))


def payload(workload):
    p = workload["payload"]
    if not p:
        return "none"
    return f"{p['default']} bytes unless given, {p['min']} to {p['max']}"


def workload_section(data, workload):
    name = workload["name"]
    out = (f".SH WORKLOAD {roff(name.upper())}\n{roff(sentence(workload['help']))}.\n"
           f".br\nOne operation: {roff(workload['operation'])}. "
           f"Payload: {roff(payload(workload))}.\n{knobs(workload['knobs'])}")
    for target in data["targets"]:
        if target["workload"] == name:
            out += (f".SS Target {roff(target['name'])}\n{roff(sentence(target['help']))}.\n"
                    f"{knobs(target['knobs'])}")
    return out


def metric(row):
    owner = [row[key] for key in ("workload", "target") if row[key]]
    of = f" Of {'/'.join(owner)} only." if owner else ""
    better = {"higher": ", higher is better", "lower": ", lower is better"}.get(row["better"], "")
    return (f".TP\n.B {roff(row['name'])}\n{roff(row['help'])} "
            f"({roff(row['unit'] + better)}).{roff(of)}\n")


def probe(row):
    needs = f" Brings {row['needs']} along." if row["needs"] else ""
    return f".TP\n.B {roff(row['name'])}\n{roff(sentence(row['help']) + '.' + needs)}\n"


def verbs(program):
    said = subprocess.run([program, "help"], capture_output=True, text=True, check=True).stdout
    out = ""
    for name in re.findall(r"^  (\w+)  ", said, re.MULTILINE):
        said = subprocess.run([program, name, "--help"], capture_output=True, text=True,
                              check=True).stdout
        title, usage, options = said.split("\n\n", 2)
        out += (f".SS {roff(usage.removeprefix('usage: '))}\n"
                f"{roff(sentence(title.split(': ', 1)[1]))}.\n.PP\n.nf\n{roff(options)}.fi\n")
    return out


def main():
    program, template, output = sys.argv[1:]
    data = json.loads(subprocess.run([program, "list", "--json"], capture_output=True, text=True,
                                     check=True).stdout)
    version = subprocess.run([program, "--version"], capture_output=True, text=True,
                             check=True).stdout.split()[1]
    tables = {
        "VERBS": lambda: verbs(program),
        "TOP": lambda: knobs(data["matrix"]),
        "AXES": lambda: knobs(data["axes"]),
        "WORKLOADS": lambda: "".join(workload_section(data, w) for w in data["workloads"]),
        "PROBES": lambda: "".join(map(probe, data["probes"])),
        "PROBE_KNOBS": lambda: knobs(data.get("probe_knobs", [])),
        "METRICS": lambda: "".join(map(metric, data["metrics"])),
    }
    with open(template, encoding="utf-8") as f:
        page = f.read().replace("@VERSION@", version)
    page = re.sub(r"^@(\w+)@\n", lambda found: tables[found.group(1)](), page,
                  flags=re.MULTILINE)
    with open(output, "w", encoding="utf-8") as f:
        f.write(page)


if __name__ == "__main__":
    main()
