"""The door as a table: states x signals -> next state and effects. Draws itself (`doorunit config machine`).

A unit that starts begins in the LOST state that belongs to the stored one: being off and being unable to read the
contact are the same thing, namely not knowing what the door did meanwhile.
"""

from enum import StrEnum

import msgspec


class State(StrEnum):
    """What is known of the door; LOST_* is unknown now, and was so before."""

    UNKNOWN = "unknown"
    SHUT = "shut"
    OPEN = "open"
    HELD = "held"
    LOST_SHUT = "lost-shut"
    LOST_OPEN = "lost-open"
    LOST_HELD = "lost-held"


class Signal(StrEnum):
    """What can happen to it."""

    CLOSED = "closed"  # the contact came to rest closed
    OPENED = "opened"  # the contact came to rest open
    DUE = "held_after_s passed"
    LOST = "contact lost"  # it cannot be read, or never comes to rest


class Effect(StrEnum):
    """What the unit then does."""

    REPORT_OPENED = "report opened"
    REPORT_SHUT = "report shut"
    REPORT_HELD = "report held"
    REPORT_LOST = "report lost"
    REPORT_FOUND = "report found"
    LOOK = "take pictures"
    START_HELD = "start held timer"  # from when the door opened, however long ago that was
    STOP_HELD = "stop held timer"


class Move(msgspec.Struct, frozen=True):
    """One row's right side."""

    to: State
    effects: tuple[Effect, ...] = ()


S, G, E = State, Signal, Effect
_OPENING = Move(S.OPEN, (E.REPORT_OPENED, E.LOOK, E.START_HELD))
_SHUTTING = Move(S.SHUT, (E.REPORT_SHUT, E.STOP_HELD))

TABLE: dict[tuple[State, Signal], Move] = {
    (S.UNKNOWN, G.CLOSED): Move(S.SHUT, (E.REPORT_FOUND,)),
    (S.UNKNOWN, G.OPENED): Move(S.OPEN, (E.REPORT_FOUND, E.LOOK, E.START_HELD)),
    (S.SHUT, G.OPENED): _OPENING,
    (S.SHUT, G.LOST): Move(S.LOST_SHUT, (E.REPORT_LOST,)),
    (S.OPEN, G.CLOSED): _SHUTTING,
    (S.OPEN, G.DUE): Move(S.HELD, (E.REPORT_HELD,)),
    (S.OPEN, G.LOST): Move(S.LOST_OPEN, (E.REPORT_LOST,)),
    (S.HELD, G.CLOSED): _SHUTTING,
    (S.HELD, G.LOST): Move(S.LOST_HELD, (E.REPORT_LOST,)),
    (S.LOST_SHUT, G.CLOSED): Move(S.SHUT, (E.REPORT_FOUND,)),
    (S.LOST_SHUT, G.OPENED): _OPENING,
    (S.LOST_OPEN, G.OPENED): Move(S.OPEN, (E.REPORT_FOUND, E.START_HELD)),
    (S.LOST_OPEN, G.CLOSED): _SHUTTING,
    (S.LOST_OPEN, G.DUE): Move(S.LOST_HELD, (E.REPORT_HELD,)),
    (S.LOST_HELD, G.OPENED): Move(S.HELD, (E.REPORT_FOUND,)),
    (S.LOST_HELD, G.CLOSED): _SHUTTING,
}
# Signals that tell nothing new. A pair in neither list is a fault in the caller and raises.
IGNORED: frozenset[tuple[State, Signal]] = frozenset(
    {
        (S.SHUT, G.CLOSED),
        (S.OPEN, G.OPENED),
        (S.HELD, G.OPENED),
        (S.UNKNOWN, G.LOST),
        (S.LOST_SHUT, G.LOST),
        (S.LOST_OPEN, G.LOST),
        (S.LOST_HELD, G.LOST),
    }
)
_LOST = {S.SHUT: S.LOST_SHUT, S.OPEN: S.LOST_OPEN, S.HELD: S.LOST_HELD}
_SHOWN = {lost: S.UNKNOWN for lost in _LOST.values()}


class Machine:
    """One door. Starts as if the contact had been lost in the stored state."""

    def __init__(self, stored: State = State.UNKNOWN) -> None:
        self.state = _LOST.get(stored, stored)

    @property
    def shown(self) -> State:
        """What to tell others: shut, open, held or unknown."""
        return _SHOWN.get(self.state, self.state)

    @property
    def lost(self) -> bool:
        """Whether it is now unknown what the door does."""
        return self.shown is State.UNKNOWN

    def move(self, signal: Signal) -> tuple[Effect, ...]:
        """Take the row for `signal`. Raises KeyError, state untouched, where the table has none."""
        if (self.state, signal) in IGNORED:
            return ()
        row = TABLE[self.state, signal]
        self.state = row.to
        return row.effects


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> unknown"]
    for (state, signal), move in TABLE.items():
        effects = ", ".join(move.effects)
        lines.append(f"    {_node(state)} --> {_node(move.to)}: {signal}" + (f" / {effects}" if effects else ""))
    return "\n".join(lines)


def _node(state: State) -> str:
    return state.value.replace("-", "_")
