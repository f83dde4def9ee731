"""Time as GB/T 28181 writes it: Beijing's, without a zone. `Date` of an answer says what the platform takes it for."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import msgspec

from edge.clock import MS, SECOND

BEIJING = timezone(timedelta(hours=8))
_LOCAL = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")


class TimeSaid(msgspec.Struct, frozen=True):
    """The platform's time when its answer came in: UTC wall_ns at boot_ns, no better than error_ms.

    error_ms bounds what the way added and the digits left out; how right the platform itself is, nobody says.
    """

    boot_ns: int
    wall_ns: int
    error_ms: int


def said(value: str, asked_ns: int, now_ns: int) -> TimeSaid | None:
    """What `Date` of an answer says, to a request sent at asked_ns (9.10); None for what is no time."""
    wall_ns = read(value)
    if wall_ns is None:
        return None
    way_ns = now_ns - asked_ns
    digits_ns = MS if "." in value else SECOND
    return TimeSaid(now_ns, wall_ns + way_ns // 2, (way_ns // 2 + digits_ns) // MS + 1)


def read(value: str) -> int | None:
    """UTC in ns of `2022-04-01T10:00:00.123` in Beijing, or of RFC 1123's form; None for what is neither."""
    match = _LOCAL.fullmatch(value.strip())
    try:
        if match is None:
            when = parsedate_to_datetime(value.strip())
            return _ns(when if when.tzinfo else when.replace(tzinfo=UTC))
        part_ns = int((match[7] or "0").ljust(9, "0"))
        return _ns(datetime(*map(int, match.groups()[:6]), tzinfo=BEIJING)) + part_ns  # type: ignore[misc,arg-type]  # six numbers, which mypy cannot count
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def local(wall_ns: int) -> str:
    """UTC in ns as Beijing's time, to the second."""
    seconds = min(max(wall_ns // SECOND, 0), 253_402_271_999)  # the last that a date can hold, in Beijing
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%dT%H:%M:%S")


def digits(wall_ns: int) -> str:
    """UTC in ns as Beijing's YYYYMMDDhhmmssSSS."""
    return re.sub(r"\D", "", local(wall_ns)) + f"{wall_ns // MS % 1000:03d}"


def _ns(when: datetime) -> int:
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND
