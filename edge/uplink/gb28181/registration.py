"""Whether the platform lists this device, as a table: states x signals -> next state and effects. No I/O, no clock."""

from enum import StrEnum

import msgspec


class State(StrEnum):
    """Where the registration stands."""

    OFF = "off"
    OPENING = "opening"  # the connection
    ASKED = "asked"  # REGISTER sent, with an older challenge's proof where there is one
    PROVED = "proved"  # REGISTER sent with a fresh challenge's proof
    THERE = "there"
    WAITING = "waiting"
    LEAVING = "leaving"  # REGISTER with Expires: 0 sent


class Signal(StrEnum):
    """What can happen to it."""

    START = "start"
    OPENED = "connection opened"
    TAKEN = "200"
    ASKED_WHO = "401 or 407"
    STALE = "401 with stale=true"
    REFUSED = "another answer, which is no"
    TOO_BRIEF = "423"
    MOVED = "302"
    SILENT = "no answer"
    BROKEN = "connection gone"
    MISSED = "keepalives unanswered"
    UNKNOWN = "a keepalive or alarm met 401, 403 or 404"
    DUE = "the pause or the term is over"
    STOP = "stop"


class Effect(StrEnum):
    """What the device then does."""

    OPEN = "open the connection"
    SHUT = "close the connection"
    ASK = "send REGISTER"
    PROVE = "send REGISTER with a proof"
    LEAVE = "send REGISTER with Expires: 0"
    ARRIVE = "begin keepalives and alarms"
    LOSE = "end keepalives, alarms and calls"
    PAUSE = "wait, longer each time"
    PAUSE_REFUSED = "wait, 60 s at least"
    FOLLOW = "take the named server"
    DONE = "tell that it is over"


class Move(msgspec.Struct, frozen=True):
    """One row's right side."""

    to: State
    effects: tuple[Effect, ...] = ()


S, G, E = State, Signal, Effect
_GONE = Move(S.WAITING, (E.LOSE, E.SHUT, E.PAUSE))
_REFUSED = Move(S.WAITING, (E.LOSE, E.SHUT, E.PAUSE_REFUSED))
_OFF = Move(S.OFF, (E.SHUT, E.DONE))
_AWAY = Move(S.OFF, (E.LOSE, E.SHUT, E.DONE))

TABLE: dict[tuple[State, Signal], Move] = {
    (S.OFF, G.START): Move(S.OPENING, (E.OPEN,)),
    (S.OFF, G.STOP): Move(S.OFF, (E.DONE,)),
    (S.OPENING, G.OPENED): Move(S.ASKED, (E.ASK,)),
    (S.OPENING, G.BROKEN): _GONE,
    (S.OPENING, G.STOP): _OFF,
    (S.ASKED, G.TAKEN): Move(S.THERE, (E.ARRIVE,)),
    (S.ASKED, G.ASKED_WHO): Move(S.PROVED, (E.PROVE,)),
    (S.ASKED, G.STALE): Move(S.PROVED, (E.PROVE,)),
    (S.ASKED, G.TOO_BRIEF): Move(S.ASKED, (E.ASK,)),
    (S.ASKED, G.MOVED): Move(S.OPENING, (E.LOSE, E.SHUT, E.FOLLOW, E.OPEN)),
    (S.ASKED, G.REFUSED): _REFUSED,
    (S.ASKED, G.SILENT): _GONE,
    (S.ASKED, G.BROKEN): _GONE,
    (S.ASKED, G.STOP): _AWAY,
    (S.PROVED, G.TAKEN): Move(S.THERE, (E.ARRIVE,)),
    (S.PROVED, G.STALE): Move(S.PROVED, (E.PROVE,)),
    (S.PROVED, G.TOO_BRIEF): Move(S.ASKED, (E.ASK,)),
    (S.PROVED, G.MOVED): Move(S.OPENING, (E.LOSE, E.SHUT, E.FOLLOW, E.OPEN)),
    (S.PROVED, G.ASKED_WHO): _REFUSED,  # the proof is not believed: the password is wrong
    (S.PROVED, G.REFUSED): _REFUSED,
    (S.PROVED, G.SILENT): _GONE,
    (S.PROVED, G.BROKEN): _GONE,
    (S.PROVED, G.STOP): _AWAY,
    (S.THERE, G.DUE): Move(S.ASKED, (E.ASK,)),
    (S.THERE, G.MISSED): _GONE,
    (S.THERE, G.UNKNOWN): _GONE,
    (S.THERE, G.BROKEN): _GONE,
    (S.THERE, G.STOP): Move(S.LEAVING, (E.LOSE, E.LEAVE)),
    (S.WAITING, G.DUE): Move(S.OPENING, (E.OPEN,)),
    (S.WAITING, G.STOP): _OFF,
    (S.LEAVING, G.ASKED_WHO): Move(S.LEAVING, (E.LEAVE,)),
    (S.LEAVING, G.STALE): Move(S.LEAVING, (E.LEAVE,)),
    (S.LEAVING, G.TAKEN): _OFF,
    (S.LEAVING, G.REFUSED): _OFF,
    (S.LEAVING, G.TOO_BRIEF): _OFF,
    (S.LEAVING, G.MOVED): _OFF,
    (S.LEAVING, G.SILENT): _OFF,
    (S.LEAVING, G.BROKEN): _OFF,
}
_LATE = (G.MISSED, G.UNKNOWN, G.BROKEN, G.DUE)  # said of what is over already
IGNORED = frozenset(
    {(state, signal) for state in S for signal in _LATE if (state, signal) not in TABLE}
    | {(S.WAITING, G.OPENED), (S.OFF, G.OPENED), (S.LEAVING, G.STOP)}
)


class Registration:
    """The table's one method. An absent row raises KeyError and leaves the state untouched."""

    def __init__(self) -> None:
        self.state = S.OFF

    def move(self, signal: Signal) -> tuple[Effect, ...]:
        """What is to be done, in order."""
        if (self.state, signal) in IGNORED:
            return ()
        move = TABLE[self.state, signal]
        self.state = move.to
        return move.effects
