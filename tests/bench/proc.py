"""What the kernel knows of a process, read from /proc."""

import os
from pathlib import Path
from typing import NamedTuple


class Load(NamedTuple):
    """What a process has used up since it began."""

    cpu_s: float  # in clock ticks of 10 ms, threads that have ended included
    run_ns: int  # exact, of the threads that are there now
    switches: int  # voluntary ones: how often a thread of it waited for something
    written_bytes: int  # handed to write calls; what goes to sockets by send is not counted
    stored_bytes: int  # of these, what went to the disk, in whole blocks


def memory(pid: int) -> tuple[float, float]:
    """(RSS, PSS) in MiB; PSS counts what is shared with other processes by its share."""
    rss_kb = _row(Path(f"/proc/{pid}/status"), "VmRSS:")
    pss_kb = _row(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    return rss_kb / 1024, pss_kb / 1024


def load(pid: int) -> Load:
    """So far, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])  # utime, stime: proc(5), fields 14 and 15
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    run_ns = sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks)
    switches = sum(_row(task / "status", "voluntary_ctxt_switches:") for task in tasks)
    io = Path(f"/proc/{pid}/io")
    return Load(ticks / os.sysconf("SC_CLK_TCK"), run_ns, switches, _row(io, "wchar:"), _row(io, "write_bytes:"))


def eldest(pid: int) -> int:
    """The process that this one started first, where it started any; else itself."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return int(started[0]) if started else pid


def _row(path: Path, key: str) -> int:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    raise LookupError(f"{path}: no {key}")
