"""Scenes in which the spool is damaged, before a start or beneath a unit."""

from collections.abc import Callable

from edge.clock import SECOND
from edge.sim.history import Span
from tests.power.scene import Scene, Script


def damage(name: str, what: Callable[[Script, float], None], *, running: bool) -> Scene:
    """The spool is damaged, before a start or while it is in use, with all that was in it sent."""
    s = Script(name, damaged=True)
    s.at(0, "start")
    s.door(5)
    s.door(10)
    s.at(20, "off")
    if running:
        s.at(21, "start")
        s.door(30)
        s.at(40, "turn", "mute", True)
        s.door(41)
        what(s, 50)
        s.at(51, "turn", "mute")
    else:
        what(s, 21)
        s.at(22, "start")
    s.scene.late.append(Span(20 * SECOND, 100 * SECOND))
    s.door(60)
    s.door(65)
    return s.end()


def damages() -> list[Scene]:
    """Each in its own way."""

    def overwritten(name: str, at: int, data: bytes) -> Callable[[Script, float], None]:
        return lambda s, at_s: s.at(at_s, "harm", "overwrite", name, at, data)

    def said(statement: str) -> Callable[[Script, float], None]:
        return lambda s, at_s: s.at(at_s, "harm", "sql", statement)

    def another(s: Script, at_s: float) -> None:
        s.bad_card(at_s, at_s + 20, "harm", ("sql", "PRAGMA user_version=2"), ("sql", "PRAGMA user_version=1"))

    def beneath(s: Script, at_s: float) -> None:
        s.at(at_s, "harm", "sql", "PRAGMA wal_checkpoint(TRUNCATE)")
        s.at(at_s, "harm", "sql", "PRAGMA shrink_memory")
        s.at(at_s, "harm", "overwrite", "spool.db", 4096, b"\xa5" * 4096)

    def gone(s: Script, at_s: float) -> None:
        s.at(at_s, "harm", "remove", "spool.db*")
        s.scene.vanished = True

    def twice(s: Script, at_s: float) -> None:
        s.at(at_s, "harm", "overwrite", "spool.db", 0, bytes(100))
        s.at(100, "off")
        s.at(101, "harm", "overwrite", "spool.db", 0, bytes(100))
        s.at(102, "start")

    return [
        damage("a garbled header, twice", twice, running=False),
        damage("a garbled -wal", overwritten("spool.db-wal", 0, b"\xa5" * 64), running=False),
        damage("a -wal that was begun", overwritten("spool.db-wal", -1, bytes(32)), running=False),
        damage("a garbled page", overwritten("spool.db", 4096, b"\xa5" * 4096), running=False),
        damage("a garbled page that is not in use", overwritten("spool.db", 3 * 4096, b"\xa5" * 4096), running=False),
        damage("a garbled page beneath a unit", beneath, running=True),
        damage("an unreadable epoch", said("UPDATE meta SET value = x'ff' WHERE key = 'epoch'"), running=False),
        damage("a state of another type", said("UPDATE meta SET value = 7 WHERE key = 'door'"), running=False),
        damage("no known schema", said("PRAGMA user_version=5000"), running=False),
        damage("another's schema", another, running=False),
        damage("an unreadable record", said("UPDATE record SET body = x'00'"), running=True),
        damage("a file that is gone", gone, running=True),
        damage("a table that is gone", said("DROP TABLE record"), running=True),
    ]
