"""What a campaign found, row by row, printed as it comes: each figure beside what it may be at most."""

import sys
from typing import NamedTuple

from tests.deploy.machine import PATIENCE


class Row(NamedTuple):
    """One figure. `most`: what it may be; None: it is only told."""

    what: str
    found: float
    unit: str
    most: float | None

    @property
    def well(self) -> bool:
        return self.most is None or self.found <= self.most


class Rows:
    """Of one campaign. Times are only told where another processor is emulated."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def tell(self, what: str, found: float, most: float | None, unit: str = "s") -> None:
        """A figure, and what it may be at most."""
        self._add(Row(what, found, unit, most if PATIENCE[0] == 1 else None))

    def is_(self, what: str, well: bool) -> None:
        """Something that is as it must be, or is not."""
        self._add(Row(what, 0 if well else 1, "yes" if well else "NO", 0))

    def close(self, took_s: float) -> int:
        """Print the sum; the campaign's exit status."""
        wrong = [row.what for row in self._rows if not row.well]
        sys.stdout.write(f"{len(self._rows)} rows, {len(wrong)} not as they must be, {took_s:.0f} s\n")
        return 1 if wrong else 0

    def _add(self, row: Row) -> None:
        self._rows.append(row)
        number = "" if row.unit in ("yes", "NO") else f"{row.found:.2f} "
        most = "" if row.most is None or not number else f"  (at most {row.most:g})"
        sys.stdout.write(f"{'  ' if row.well else '! '}{row.what}: {number}{row.unit}{most}\n")
        sys.stdout.flush()
