"""Before the unit starts: wait longer the oftener it was started lately. systemd runs it as ExecStartPre.

One crash is no reason to leave a door unwatched, so the first starts wait for nothing; a unit that cannot run at all
must not wear out its processor and its journal.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

STARTS = Path("/run/doorunit/starts")  # in RAM; RuntimeDirectoryPreserve=restart keeps it from one start to the next
WITHIN_S = 600
PAUSES_S = (0, 0, 0, 1, 2, 5, 10, 20, 30, 60)  # by the number of earlier starts within that time; then the last


def pause_s(starts_s: Sequence[float], now_s: float) -> int:
    """How long to wait, from when it was started before (boot clock)."""
    return PAUSES_S[min(len(lately(starts_s, now_s)), len(PAUSES_S) - 1)]


def lately(starts_s: Sequence[float], now_s: float) -> list[float]:
    """The starts that still count."""
    return [start_s for start_s in starts_s if 0 <= now_s - start_s < WITHIN_S]


def read(path: Path) -> list[float]:
    """What was noted; nothing where nothing can be read: then it waits for nothing."""
    try:
        return [float(line) for line in path.read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        return []


def main() -> int:
    """Note this start, then wait."""
    now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    starts_s = read(STARTS)
    wait_s = pause_s(starts_s, now_s)
    try:
        STARTS.write_text("".join(f"{s:.0f}\n" for s in [*lately(starts_s, now_s), now_s]), encoding="ascii")
    except OSError as err:  # never a reason not to start
        sys.stderr.write(f"{STARTS}: {err.strerror}; the pause before the next start will be too short\n")
    if wait_s:
        count = len(lately(starts_s, now_s))
        sys.stderr.write(f"the unit was started {count} times within {WITHIN_S // 60} min; it waits for {wait_s} s\n")
        time.sleep(wait_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
