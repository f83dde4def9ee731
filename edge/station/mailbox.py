"""Units that are here by HTTPS: each one's held question, the commands that wait for it, and when it was last heard.

A unit that asks for commands is present; PRESENT_NS without a question, and it is not. Commands wait for those that are
present alone: to a unit on MQTT the broker takes them.
"""

import asyncio
import contextlib
import itertools
import secrets
import threading
from collections import deque
from collections.abc import Callable

import msgspec

from edge.clock import SECOND, Clock
from edge.posting import Waiting

PRESENT_NS = 60 * SECOND  # a held question lasts half of this, and the next one comes at once
HELD_MAX_S = 30
WAITING_MAX = 20  # commands of one unit


class _Box:
    """One unit's. The event belongs to the loop of the question that is held."""

    def __init__(self) -> None:
        self.heard_ns = 0
        self.commands: deque[tuple[int, bytes]] = deque(maxlen=WAITING_MAX)
        self.held: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def wake(self) -> None:
        if self.held is not None:
            loop, event = self.held
            loop.call_soon_threadsafe(event.set)


class Mailbox:
    """Any thread; `ask` in an asyncio loop. Hook: on_present(unit, bool), called when that changes by the questions."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._boxes: dict[str, _Box] = {}
        self._life = secrets.token_hex(4)  # a number of before a restart means nothing any more
        self._numbers = itertools.count(1)
        self._closed = False
        self.on_present: Callable[[str, bool], None] = lambda _unit, _present: None

    def present(self, unit: str) -> bool:
        """Whether this unit is here by HTTPS."""
        return unit in self._boxes

    def put(self, unit: str, command: bytes) -> None:
        """A signed command, for a unit that is here; nothing where it is not."""
        with self._lock:
            box = self._boxes.get(unit)
            if box is not None:
                box.commands.append((next(self._numbers), command))
                box.wake()

    async def ask(self, unit: str, after: str, wait_s: float) -> Waiting:
        """What waits for this unit beyond `after`, once there is anything or wait_s have passed."""
        came = asyncio.Event()
        box = self._heard(unit)
        with self._lock:
            box.wake()  # an earlier question of this unit's: its connection is gone, and nobody reads its answer
            box.held = asyncio.get_running_loop(), came
            read = self._number(after)
            while box.commands and box.commands[0][0] <= read:
                box.commands.popleft()
            empty = not box.commands and not self._closed
        if empty and wait_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(came.wait(), min(wait_s, HELD_MAX_S))
        with self._lock:
            last = box.commands[-1][0] if box.commands else read
            mine = box.held is not None and box.held[1] is came
            box.held = None if mine else box.held
            told = tuple(msgspec.Raw(command) for _, command in box.commands) if mine else ()
        return Waiting(f"{self._life}-{last if mine else read}", told)

    def leave(self, unit: str) -> None:
        """The unit said good-bye, or speaks by MQTT again: nothing more is told of it from here."""
        with self._lock:
            box = self._boxes.pop(unit, None)
            if box is not None:
                box.wake()

    def look(self) -> None:
        """Miss those that were not heard for too long; called now and then."""
        now_ns = self._clock.now()
        with self._lock:
            gone = [unit for unit, box in self._boxes.items() if now_ns - box.heard_ns > PRESENT_NS]
            for unit in gone:
                self._boxes.pop(unit).wake()
        for unit in gone:
            self.on_present(unit, False)

    def close(self) -> None:
        """Answer all questions that are held; any thread, safe to repeat."""
        with self._lock:
            self._closed = True
            for box in self._boxes.values():
                box.wake()

    def _heard(self, unit: str) -> _Box:
        with self._lock:
            new = unit not in self._boxes
            box = self._boxes.setdefault(unit, _Box())
            box.heard_ns = self._clock.now()
        if new:
            self.on_present(unit, True)
        return box

    def _number(self, after: str) -> int:
        life, _, number = after.partition("-")
        return int(number) if life == self._life and number.isascii() and number.isdigit() and len(number) < 19 else 0
