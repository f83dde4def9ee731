"""The walk test: open, shut, open, shut. Each movement becomes an audit, and is passed when its receipt has come."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from edge.clock import MS, SECOND
from edge.door.contact import Rest
from edge.errors import PartError
from edge.onsite.board import Board
from edge.records import Audit, Key

MOVES = ("open", "shut", "open", "shut")
IDLE_NS = 20 * SECOND  # without a movement, the cure is shown
RECEIPT_NS = 15 * SECOND  # a receipt takes well under a second
LOOSE_MS = 150.0  # a magnet at the edge of its reach, or a door that rattles


class Door(Protocol):
    """What the walk test has of the unit; unit.hands.Hands."""

    def walk(self, told: Callable[[Rest | PartError], None]) -> str:
        """Watch the contact; "" or why not."""
        ...

    def stand(self) -> None:
        """No longer."""
        ...

    def record(self, what: str, detail: Mapping[str, int | str | None], *, sign: bool = False) -> Audit:
        """An audit; in the deciding thread."""
        ...

    def later(self, wait_ns: int, act: Callable[[], None]) -> None:
        """Call `act` in the deciding thread then."""
        ...

    @property
    def glitches(self) -> int:
        """Unrest that was no movement."""
        ...


class WalkTest:
    """`begin` and `stop` from any thread; the rest happens in the deciding one."""

    def __init__(self, board: Board, door: Door) -> None:
        self._board, self._door = board, door
        self._moves: list[dict[str, Any]] = []
        self._keys: dict[Key, tuple[int, int]] = {}  # -> number of the movement, its first edge
        self._state = "unknown"
        self._life = 0

    def begin(self) -> str:
        """From the start; "" or the code of why it cannot be now."""
        self._life += 1
        self._moves, self._keys, self._state = [], {}, "unknown"
        refused = self._door.walk(self._told)
        if not refused:
            self._watch_idle()
        return refused

    def stop(self) -> None:
        """Given up; what was passed stays."""
        self._door.stand()
        if self._board.step("walk").state == "running":
            self._board.put("walk", "open")

    def receipt_came(self, key: Key, now_ns: int) -> None:
        """The platform holds a record."""
        if key in self._keys:
            n, first_ns = self._keys.pop(key)
            self._moves[n]["receipt_ms"] = round((now_ns - first_ns) / MS, 1)
            self._show()

    def _told(self, rest: Rest | PartError) -> None:
        if isinstance(rest, PartError):
            self._board.put("walk", "wrong", "contact.unreadable", found={"said": rest.found})
            return
        if rest.closed is None:
            self._show("contact.chatter")
            return
        was, self._state = self._state, "shut" if rest.closed else "open"
        if was != "unknown" and (self._moves or self._state == MOVES[0]):
            self._moved(rest)
        self._show()

    def _moved(self, rest: Rest) -> None:
        n = len(self._moves)
        if n == len(MOVES) or self._state != MOVES[n]:
            return
        settle_ms = round(rest.settle_us / 1000, 1)
        self._moves.append({"to": self._state, "edges": rest.edges, "settle_ms": settle_ms, "receipt_ms": None})
        detail: dict[str, int | str | None] = {
            "move": n + 1,
            "to": self._state,
            "edges": rest.edges,
            "settle_us": rest.settle_us,
        }
        audit = self._door.record("walk", detail)
        self._keys[audit.epoch, audit.seq] = (n, rest.first_ns)
        if n + 1 == len(MOVES):
            self._door.stand()
            life = self._life
            self._door.later(RECEIPT_NS, lambda: self._late(life))
        else:
            self._watch_idle()

    def _watch_idle(self) -> None:
        mark = (self._life, len(self._moves))

        def look() -> None:
            if mark == (self._life, len(self._moves)) and self._board.step("walk").state == "running":
                self._show("walk.nothing" if self._state == "shut" or self._moves else "")

        self._door.later(IDLE_NS, look)

    def _late(self, life: int) -> None:
        if life == self._life and self._keys:
            self._show("walk.receipt")

    def _show(self, code: str = "") -> None:
        done = len(self._moves)
        found = {
            "door": self._state,
            "next": MOVES[done] if done < len(MOVES) else None,
            "moves": [dict(move) for move in self._moves],
            "glitches": self._door.glitches,
        }
        loose = any(move["settle_ms"] > LOOSE_MS for move in self._moves)
        if not code and not done and self._state == "open":
            code = "walk.shut-first"
        if done < len(MOVES) or self._keys:
            state = self._board.step("walk").state
            wrong = code in ("walk.receipt", "contact.chatter") or (state == "wrong" and bool(self._keys) and not code)
            self._board.put("walk", "wrong" if wrong else "running", code, found=found)
        else:
            self._board.put("walk", "well", "walk.loose" if loose else "", found=found)
