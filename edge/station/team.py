"""What the neighbourhood's team asks: who is in term today, how far each installation is, what the week was.

Reads the ledger and the book; time is an argument. A day is one of the office's zone. Opening times are the best that
is known; one without any is taken as of its arrival.
"""

from datetime import datetime, time, timedelta
from typing import Any

import msgspec

from edge.clock import SECOND, know
from edge.records import Event
from edge.station.book import attended_of, delay_ms, labels_of, told
from edge.station.ledger import Stored, UnitRow
from edge.station.office import Office
from edge.wire import from_rfc3339, rfc3339

JSON = dict[str, Any]
WEEK = timedelta(days=7)


class Term(msgspec.Struct, frozen=True):
    """When a resident isolates. state: unknown (the unit did not say), none, before, now or over."""

    state: str
    starts_ns: int | None = None
    ends_ns: int | None = None
    day: int | None = None  # of `days`, both counted by midnights that fall within; the first day is 1
    days: int | None = None


def term_of(row: UnitRow, now_ns: int, office: Office) -> Term:
    """What a unit's state says of its term; a state of older software, or garbled, is `unknown`."""
    told = row.state.get("term", row.state)  # a platform's profile may have it in one piece
    if told is None or (isinstance(told, dict) and told.get("starts", "") is None):
        return Term("none")
    try:
        starts_ns, ends_ns = from_rfc3339(told["starts"]), from_rfc3339(told["ends"])
    except (KeyError, TypeError, ValueError):
        return Term("unknown")
    if starts_ns >= ends_ns:
        return Term("unknown")
    first, last, today = (office.local(ns).date() for ns in (starts_ns, ends_ns - 1, now_ns))
    days = (last - first).days + 1
    if now_ns < starts_ns:
        return Term("before", starts_ns, ends_ns, None, days)
    if now_ns >= ends_ns:
        return Term("over", starts_ns, ends_ns, None, days)
    return Term("now", starts_ns, ends_ns, (today - first).days + 1, days)


def flats(office: Office, now_ns: int) -> list[JSON]:
    """Every unit with its flat, its term, and its last opening; by label, then unit."""
    labels = labels_of(office.ledger)
    rows = [_flat(office, row, labels.get(row.unit, ""), now_ns) for row in office.ledger.units()]
    return sorted(rows, key=lambda flat: (not flat["label"], _natural(flat["label"]), _natural(flat["unit"])))


def installations(office: Office) -> list[JSON]:
    """How far each unit is: enrolled, heard, its contact seen to open, a picture here, bound to a flat."""
    labels, heard, since = labels_of(office.ledger), {row.unit: row for row in office.ledger.units()}, office.enrolled()
    pictured = {unit for (unit,) in office.ledger.read("SELECT DISTINCT unit FROM frame")}
    found = []
    for unit in sorted({*heard, *since}, key=_natural):
        row = heard.get(unit)
        steps = {
            "enrolled": unit in since,
            "heard": row is not None,
            "opened": office.ledger.last_opening(unit) is not None,
            "picture": unit in pictured or (row is not None and row.state.get("camera", "none") == "none"),
            "label": bool(labels.get(unit)),
        }
        found.append(
            {
                "unit": unit,
                "label": labels.get(unit, ""),
                "enrolled": since.get(unit),
                "last_seen": rfc3339(row.seen_ns) if row else None,
                "online": row.online if row else False,
                "armed": row.state.get("armed") if row else None,
                "steps": steps,
                "done": all(steps.values()),
            }
        )
    return found


def openings(office: Office, from_ns: int, to_ns: int, unit: str = "") -> list[JSON]:
    """Openings within that time, oldest first, each with who saw to it."""
    labels = labels_of(office.ledger)
    found = [(opened_ns(stored), stored) for stored in office.ledger.openings(from_ns) if unit in ("", stored.unit)]
    within = [(at_ns, stored) for at_ns, stored in found if from_ns <= at_ns < to_ns]
    return [_opening(office, stored, labels) for _, stored in sorted(within, key=lambda one: (one[0], one[1].n))]


def week(office: Office, now_ns: int) -> JSON:
    """The seven days up to last midnight: openings, how many were expected and attended, and how fast."""
    to = datetime.combine(office.local(now_ns).date(), time(), office.zone)
    return period(office, _ns(to - WEEK), _ns(to), now_ns)


def period(office: Office, from_ns: int, to_ns: int, now_ns: int) -> JSON:
    """The same sums of any time."""
    opened = openings(office, from_ns, to_ns)
    known = [one["attended_ms"] for one in opened if one["attended_ms"] is not None]
    delays = sorted(ms for ms in known if ms >= 0)  # less than none: one of the two clocks was wrong
    by_unit: dict[str, JSON] = {}
    for one in opened:
        sums = by_unit.setdefault(
            one["unit"], {"unit": one["unit"], "label": one["label"], "openings": 0, "expected": 0, "attended": 0}
        )
        sums["openings"] += 1
        sums["expected"] += one["expected"] is not None
        sums["attended"] += bool(one["attended"])
    terms = [term_of(row, now_ns, office) for row in office.ledger.units()]
    return {
        "from": rfc3339(from_ns),
        "to": rfc3339(to_ns),
        "openings": len(opened),
        "expected": sum(one["expected"] is not None for one in opened),
        "attended": sum(bool(one["attended"]) for one in opened),
        "unattended": sum(not one["attended"] and one["expected"] is None for one in opened),
        "median_ms": delays[len(delays) // 2] if delays else None,
        "in_term": sum(term.state == "now" for term in terms),
        "ended": sum(from_ns <= (term.ends_ns or 0) < to_ns for term in terms),
        "units": sorted(by_unit.values(), key=lambda sums: (-sums["openings"], _natural(sums["unit"]))),
    }


def opened_ns(stored: Stored) -> int:
    """When it was, as well as is known; else when it arrived."""
    if stored.envelope.time is not None:
        return from_rfc3339(stored.envelope.time)
    known = know(stored.envelope.data.record.at, stored.anchor).wall_ns
    return stored.received_ns if known is None else known


def _flat(office: Office, row: UnitRow, label: str, now_ns: int) -> JSON:
    term, last = term_of(row, now_ns, office), office.ledger.last_opening(row.unit)
    return {
        "unit": row.unit,
        "label": label,
        "door": row.state.get("door", "unknown"),
        "online": row.online,
        "armed": row.state.get("armed"),
        "term": term.state,
        "starts": None if term.starts_ns is None else rfc3339(term.starts_ns),
        "ends": None if term.ends_ns is None else rfc3339(term.ends_ns),
        "day": term.day,
        "days": term.days,
        "last": _opening(office, last, {row.unit: label}) if last else None,
    }


def _opening(office: Office, stored: Stored, labels: dict[str, str]) -> JSON:
    record = stored.envelope.data.record
    at_ns, attended = opened_ns(stored), attended_of(office.ledger, (stored.unit, record.epoch, record.seq))
    return {
        "unit": stored.unit,
        "label": labels.get(stored.unit, ""),
        "epoch": record.epoch,
        "seq": record.seq,
        "time": rfc3339(at_ns),
        "expected": getattr(record, "expected", None) if isinstance(record, Event) else None,  # since software of terms
        "attended": told(attended),
        "attended_ms": delay_ms(at_ns, attended),
    }


def _natural(text: str) -> list[tuple[int, int, str]]:
    """3-2-501 before 3-10-101."""
    parts, digits = [], ""
    for letter in f"{text} ":
        if letter.isascii() and letter.isdigit():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits[:18]), ""))
            digits = ""
        parts.append((1, 0, letter))
    return parts


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND
