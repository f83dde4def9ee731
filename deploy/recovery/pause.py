"""Before the unit starts: wait longer the oftener it was started lately. systemd runs it as ExecStartPre.

One crash is no reason to leave a door unwatched, so the first starts wait for nothing; a unit that cannot run at all
must not wear out its processor and its journal. Another version (deploy/ota) is not made to wait for the crashes of the
one before it.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

STARTS = Path("/run/doorunit/starts")  # in RAM; RuntimeDirectoryPreserve=restart keeps it from one start to the next
CURRENT = Path("/var/lib/doorunit-update/current")  # which version runs; none: the package's own
WITHIN_S = 600
PAUSES_S = (0, 0, 0, 1, 2, 5, 10, 20, 30, 60)  # by the number of earlier starts within that time; then the last


def pause_s(starts_s: Sequence[float], now_s: float) -> int:
    """How long to wait, from when it was started before (boot clock)."""
    return PAUSES_S[min(len(lately(starts_s, now_s)), len(PAUSES_S) - 1)]


def lately(starts_s: Sequence[float], now_s: float) -> list[float]:
    """The starts that still count."""
    return [start_s for start_s in starts_s if 0 <= now_s - start_s < WITHIN_S]


def read(path: Path, version: str = "") -> list[float]:
    """This version's starts; none where nothing can be read, or another's were noted: then it waits for nothing."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        return [float(at_s) for at_s, _, whose in (line.partition(" ") for line in lines) if whose == version]
    except (OSError, ValueError):
        return []


def running(link: Path = CURRENT) -> str:
    """The slot whose version is started; "" for the package's own."""
    try:
        return link.readlink().name
    except OSError:
        return ""


def main() -> int:
    """Note this start, then wait."""
    now_s, version = time.clock_gettime(time.CLOCK_BOOTTIME), running()
    starts_s = read(STARTS, version)
    wait_s = pause_s(starts_s, now_s)
    try:
        noted = [f"{at_s:.0f} {version}".rstrip() for at_s in (*lately(starts_s, now_s), now_s)]
        STARTS.write_text("".join(f"{line}\n" for line in noted), encoding="ascii")
    except OSError as err:  # never a reason not to start
        sys.stderr.write(f"{STARTS}: {err.strerror}; the pause before the next start will be too short\n")
    if wait_s:
        count = len(lately(starts_s, now_s))
        sys.stderr.write(f"the unit was started {count} times within {WITHIN_S // 60} min; it waits for {wait_s} s\n")
        time.sleep(wait_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
