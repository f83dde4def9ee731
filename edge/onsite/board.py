"""The steps of an installation and what each has found so far; the page is shown all of it whenever it changes."""

import threading
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from edge.clock import SECOND

State = Literal["open", "running", "well", "wrong", "skipped"]
Found = dict[str, Any]

NET = ("net.address", "net.name", "net.tcp", "net.tls", "net.broker", "net.upload")
STEPS = ("enrol", "identify", "power", *NET, "clock", "walk", "tamper", "aim", "event", "picture")
# What may be passed over: the part is not fitted, or the machine does not say.
MAY_SKIP = ("power", "tamper", "aim", "picture")


class Step(msgspec.Struct, frozen=True):
    """One check. code: the row of page/words.json that says what is wrong, or why it is skipped, and the cure.

    found: numbers and words of it; ms: how long the answer took; at_s: when it came to this, from the first entry.
    """

    name: str
    state: State = "open"
    code: str = ""
    found: Found = {}
    ms: float | None = None
    at_s: float = 0.0


class Board:
    """Any thread. now: the boot clock in ns."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._begun_ns: int | None = None
        self._steps = {name: Step(name) for name in STEPS}
        self._more: Found = {}
        self._changed = threading.Condition()
        self._version = 0
        self._over = False

    def put(
        self, name: str, state: State, code: str = "", *, ms: float | None = None, found: Found | None = None
    ) -> None:
        """What a step has come to."""
        with self._changed:
            at_s = round(max(0, self._now() - self.begun_ns) / SECOND, 1)
            self._steps[name] = Step(name, state, code, dict(found or {}), None if ms is None else round(ms, 1), at_s)
            self._tell()

    def add(self, **more: Any) -> None:
        """What the page shows beside the steps."""
        with self._changed:
            if any(self._more.get(name, self) != value for name, value in more.items()):
                self._more |= more
                self._tell()

    def step(self, name: str) -> Step:
        """As it is now."""
        with self._changed:
            return self._steps[name]

    def steps(self) -> list[Step]:
        """All, in order."""
        with self._changed:
            return list(self._steps.values())

    def missing(self) -> list[str]:
        """Steps that have still to be passed before the unit can be signed off."""
        return [
            step.name
            for step in self.steps()
            if step.state != "well" and not (step.state == "skipped" and step.name in MAY_SKIP)
        ]

    def end(self) -> None:
        """Nobody need wait any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def told(self, after: int, within_s: float) -> tuple[int, Found | None]:
        """The version, and all there is to show once it is newer than `after`; None after within_s, or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > after or self._over, within_s)
            if self._version <= after or self._over:
                return self._version, None
            return self._version, {"steps": msgspec.to_builtins(list(self._steps.values())), **self._more}

    def begin(self) -> None:
        """Somebody is in for the first time: from here on it is counted."""
        self._begun_ns = self.begun_ns

    @property
    def begun_ns(self) -> int:
        """When that was (boot ns); now, while nobody was in."""
        return self._now() if self._begun_ns is None else self._begun_ns

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()
