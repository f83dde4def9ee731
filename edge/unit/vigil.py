"""Whether the unit gets on with its work, told to the service manager: its watchdog is fed by progress alone.

A beat rings in the deciding thread, so a loop that stands still feeds nothing. A loop that turns feeds while the card
takes commits and the link answers, or where what does not go through has a name: a restart cures no card and no
server, and would lose the records that are only in RAM. A silence that nobody has named is the unit's own fault.
"""

import logging
from functools import partial
from typing import Protocol

import msgspec

from edge.clock import SECOND
from edge.health import LINK, Health
from edge.loop import Loop

log = logging.getLogger(__name__)

STATUS_NS = 30 * SECOND  # how often the status is told where there is no watchdog
CARD = ("spool.full", "spool.failing", "spool.newer", "spool.slow")
ANSWER = (*LINK, "link.denied", "receipt.none")
# A connection may take a minute for each address of a name; then the pause before the next attempt.
DIALLING_NS = 180 * SECOND
# The courier gives up a connection without an answer after two keep-alives and a receipt's time: 640 s at most here.
ANSWER_NS = 900 * SECOND


class Seen(msgspec.Struct, frozen=True):
    """One beat's facts; ages in ns. unanswered_ns: of the oldest record that nothing came back for, None without."""

    commit_age_ns: int
    commit_due_ns: int
    card_named: bool
    link_up: bool
    link_named: bool
    down_ns: int
    dialling_ns: int
    unanswered_ns: int | None


class Manager(Protocol):
    """Whom it is told; edge/board/manager.py."""

    beat_ns: int | None

    def tell(self, *lines: str) -> None:
        """Send assignments such as READY=1."""
        ...


class Asked(Protocol):
    """What is asked of the courier."""

    protocol: str

    @property
    def up(self) -> bool:
        """Whether there is a link."""
        ...

    @property
    def asked_ns(self) -> int | None:
        """When the oldest record was sent that nothing has come back for (boot ns)."""
        ...


class Counted(Protocol):
    """What is asked of the spool."""

    @property
    def commits(self) -> int:
        """Since the start."""
        ...

    @property
    def backlog(self) -> int:
        """Records that the platform lacks."""
        ...


class Door(Protocol):
    """What is asked of the doorkeeper."""

    watching: bool  # whether this is its term

    @property
    def state(self) -> str:
        """The door machine's state."""
        ...


class Work(msgspec.Struct, frozen=True):
    """Whose work is watched. alive_s: how often the unit commits, whatever happens. backoff_s: between two dials."""

    loop: Loop
    health: Health
    journal: Counted
    courier: Asked
    door: Door
    alive_s: int
    backoff_s: int


def stuck(seen: Seen) -> str:
    """Why the watchdog must not be fed; "" while all goes through or what does not has a name."""
    if not seen.card_named and seen.commit_age_ns > seen.commit_due_ns:
        return f"the card has neither taken a commit nor failed for {seen.commit_age_ns // SECOND} s"
    if seen.link_named:
        return ""
    if not seen.link_up and seen.down_ns > seen.dialling_ns:
        return f"there is no link, and for {seen.down_ns // SECOND} s no attempt has said why"
    if seen.link_up and (seen.unanswered_ns or 0) > ANSWER_NS:
        return f"the link is said to be up, and nothing came back over it for {(seen.unanswered_ns or 0) // SECOND} s"
    return ""


class Vigil:
    """Lives in the deciding thread, from the moment the unit is at work. Manager None: nobody wants to know."""

    def __init__(self, work: Work, manager: Manager | None) -> None:
        self._work = work
        self._manager = manager
        self._commits = 0
        self._committed_ns = self._linked_ns = 0
        self._stuck = ""

    def start(self) -> None:
        """The door is watched, as far as its term asks for it."""
        if self._manager is None:
            return
        self._commits = self._work.journal.commits
        self._committed_ns = self._linked_ns = self._work.loop.now()
        self._manager.tell("READY=1", f"STATUS={self._status()}")
        self._beat(self._manager)

    def stop(self) -> None:
        """The unit ends in order."""
        if self._manager is not None:
            self._manager.tell("STOPPING=1", "STATUS=ends")

    def _beat(self, manager: Manager) -> None:
        why = stuck(self._look())
        if why and why != self._stuck:
            log.log(logging.DEBUG if self._stuck else logging.ERROR, "the watchdog is not fed: %s", why)
        self._stuck = why
        fed = () if why or manager.beat_ns is None else ("WATCHDOG=1",)
        manager.tell(*fed, f"STATUS={self._status()}")
        self._work.loop.after(manager.beat_ns or STATUS_NS, partial(self._beat, manager))

    def _look(self) -> Seen:
        work = self._work
        now, health, courier = work.loop.now(), work.health, work.courier
        if work.journal.commits != self._commits:
            self._commits, self._committed_ns = work.journal.commits, now
        if courier.up or any(health.active(code) for code in LINK):
            self._linked_ns = now
        return Seen(
            commit_age_ns=now - self._committed_ns,
            commit_due_ns=(2 * work.alive_s + 60) * SECOND,
            card_named=any(health.active(code) for code in CARD),
            link_up=courier.up,
            link_named=any(health.active(code) for code in ANSWER),
            down_ns=now - self._linked_ns,
            dialling_ns=DIALLING_NS + work.backoff_s * SECOND,
            unanswered_ns=None if courier.asked_ns is None else now - courier.asked_ns,
        )

    def _status(self) -> str:
        """One line for people and for deploy/recovery, which finds `CODE for N s` in it."""
        work = self._work
        now = work.loop.now()
        door = work.door.state if work.door.watching else "unwatched"
        said = [f"door {door}", f"link {work.courier.protocol or 'down'}", f"backlog {work.journal.backlog}"]
        said += [f"{w.row.code} for {(now - w.since_ns) // SECOND} s" for w in work.health.shown(now)]
        return "; ".join([*said, *([self._stuck] if self._stuck else [])])
