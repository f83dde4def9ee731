"""What is wrong now: which rows of the table are active, and which of them are shown."""

import logging
from collections.abc import Callable

import msgspec

from edge.clock import SECOND
from edge.errors import DoorunitError
from edge.warnings import LINK as LINK
from edge.warnings import ROWS as ROWS
from edge.warnings import Row as Row

log = logging.getLogger(__name__)


class Warning(msgspec.Struct, frozen=True):  # noqa: A001 - the house's word for it; nobody here needs the builtin
    """A row that is active, since when (boot ns), and the detail that goes with it; of an error also in pieces."""

    row: Row
    since_ns: int
    detail: str
    found: str = ""
    wanted: str = ""


class Health:
    """What is wrong now. Lives in the deciding thread; logs changes, not repetitions. Hooks: on_change(), on_new."""

    def __init__(self) -> None:
        self._active: dict[str, Warning] = {}
        self._ends_ns: dict[str, int] = {}  # of what is shown for a while only
        self.on_change: Callable[[], None] = lambda: None
        self.on_new: list[Callable[[str, int], None]] = []  # each (code, boot ns) when something begins to be wrong

    def set(self, code: str, now_ns: int, detail: object = "") -> bool:
        """Something is wrong, or happened; True if it was not so before."""
        self.expire(now_ns)
        was = self._active.get(code)
        if ROWS[code].lasts_s:
            self._ends_ns[code] = now_ns + ROWS[code].lasts_s * SECOND
        pieces = (f"{detail.what}: {detail.found}", detail.wanted) if isinstance(detail, DoorunitError) else ("", "")
        self._active[code] = Warning(ROWS[code], was.since_ns if was else now_ns, str(detail), *pieces)
        if was is None:
            log.warning("%s: %s. %s", code, ROWS[code].en, detail)
            for act in self.on_new:
                act(code, now_ns)
            self.on_change()
        else:
            log.debug("%s: %s", code, detail)
        return was is None

    def clear(self, code: str, now_ns: int) -> bool:
        """It is well again; True if it was not so before."""
        was = self._active.pop(code, None)
        self._ends_ns.pop(code, None)
        if was is not None:
            log.info("%s: well again after %d s", code, (now_ns - was.since_ns) // SECOND)
            self.on_change()
        return was is not None

    def put(self, code: str, now_ns: int, wrong: bool, detail: object = "") -> bool:
        """Set or clear; True if that was a change."""
        return self.set(code, now_ns, detail) if wrong else self.clear(code, now_ns)

    def expire(self, now_ns: int) -> None:
        """What is shown for a while only is over."""
        for code in [code for code, ends_ns in self._ends_ns.items() if ends_ns <= now_ns]:
            self.clear(code, now_ns)

    def active(self, code: str) -> bool:
        """Whether this is wrong now, grace or not."""
        return code in self._active

    def shown(self, now_ns: int) -> list[Warning]:
        """What to show: past its grace time, not over, and no parent that explains it."""
        return [
            w
            for w in self.lasting(now_ns)
            if now_ns - w.since_ns >= w.row.grace_s * SECOND and self._active.keys().isdisjoint(w.row.parents)
        ]

    def lasting(self, now_ns: int) -> list[Warning]:
        """All that is wrong and not over: also within its grace time, and what a parent hushes."""
        return [w for w in self._active.values() if now_ns < self._ends_ns.get(w.row.code, now_ns + 1)]

    def next_ns(self, now_ns: int) -> int | None:
        """When what is shown next changes by itself (boot ns): a grace time ends or a while is over. None: never."""
        ends = [w.since_ns + w.row.grace_s * SECOND for w in self._active.values()]
        return min((end for end in (*ends, *self._ends_ns.values()) if end > now_ns), default=None)


class Aside:
    """Health of the way to another platform than the main one: link.server becomes cloud.server, and so on."""

    def __init__(self, health: Health, name: str) -> None:
        self._health = health
        self._name = name

    def set(self, code: str, now_ns: int, detail: object = "") -> bool:
        """As Health.set."""
        return self._health.set(self._own(code), now_ns, detail)

    def clear(self, code: str, now_ns: int) -> bool:
        """As Health.clear."""
        return self._health.clear(self._own(code), now_ns)

    def put(self, code: str, now_ns: int, wrong: bool, detail: object = "") -> bool:
        """As Health.put."""
        return self._health.put(self._own(code), now_ns, wrong, detail)

    def _own(self, code: str) -> str:
        return f"{self._name}.{code.rpartition('.')[2]}"
