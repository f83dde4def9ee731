"""How one office works, and what it keeps beside what units send: people, audit, book. Opened over one ledger."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from edge.clock import SECOND
from edge.errors import ConfigError
from edge.station.audit import Trail
from edge.station.book import Book
from edge.station.ledger import Ledger
from edge.station.passwords import Cost
from edge.station.people import People

ZONE = "Asia/Shanghai"
Language = Literal["zh", "en"]


class Habits(msgspec.Struct, frozen=True):
    """What an office sets. zone: its own, whatever the machine's is. Times are HH:MM there; weekday 0 is Monday."""

    zone: str = ZONE
    language: Language = "zh"
    daily_at: str = "08:00"
    weekly_at: str = "08:30"
    weekday: int = 0


class Office:
    """The station's own knowledge. open_: a bench on loopback that asks nobody to sign in."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        open_: bool = False,
        habits: Habits | None = None,
        enrolled: Callable[[], Mapping[str, str]] = dict,
        cost: Cost | None = None,
    ) -> None:
        self.ledger = ledger
        self.open = open_
        self.habits = habits or Habits()
        self.zone = find_zone(self.habits.zone)
        self.enrolled = enrolled  # unit -> since when, RFC 3339
        self.trail = Trail(ledger)
        self.book = Book(ledger, self.trail)
        self.people = People(ledger, self.trail, cost)

    def local(self, wall_ns: int) -> datetime:
        """That instant by the office's own clock on the wall."""
        return local(wall_ns, self.zone)


def local(wall_ns: int, zone: tzinfo) -> datetime:
    """An instant, ns since 1970, by the wall clock of a zone."""
    return datetime.fromtimestamp(wall_ns // SECOND, UTC).astimezone(zone)


def find_zone(name: str) -> ZoneInfo:
    """A zone by its name. Raises ConfigError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise ConfigError(
            "time zone",
            found=repr(name),
            wanted=f"a name such as {ZONE}",
            remedy="`timedatectl list-timezones` shows them.",
        ) from err
