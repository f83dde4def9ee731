"""What the page is shown, made from the ledger: doors, entries, pictures. Pure reading; any thread."""

from collections.abc import Callable
from typing import Any

from edge.clock import MS, know
from edge.records import Alarm, AnyRecord, Audit, Boot, Event, FrameSet, Gap
from edge.station.book import attended_of, labels_of, told
from edge.station.ledger import Ledger, Picture, Stored, UnitRow
from edge.wire import from_rfc3339, rfc3339

JSON = dict[str, Any]
Genuine = Callable[[str, Audit], bool]
MENDED = 200  # as many as the page loads at first


def doors(ledger: Ledger) -> list[JSON]:
    """All doors, by unit."""
    labels = labels_of(ledger)
    return [_door(ledger, row, labels) for row in ledger.units()]


def door(ledger: Ledger, unit: str) -> JSON | None:
    """One door, or None before it was ever heard of."""
    row = ledger.unit(unit)
    return None if row is None else _door(ledger, row, labels_of(ledger))


def entry(ledger: Ledger, stored: Stored, genuine: Genuine = lambda _unit, _audit: False) -> JSON:
    """One record as a row of the page, with the pictures that are here. `genuine`: whether the unit signed an Audit."""
    record, data = stored.envelope.data.record, stored.envelope.data
    at = know(record.at, stored.anchor)
    wall_ns = at.wall_ns if stored.envelope.time is None else from_rfc3339(stored.envelope.time)
    event = record if isinstance(record, Event) else None
    return {
        "n": stored.n,
        "unit": stored.unit,
        "epoch": record.epoch,
        "seq": record.seq,
        "kind": record.__struct_config__.tag,
        "change": event.change if event else None,
        "expected": event.expected if event else None,
        "time": None if wall_ns is None else rfc3339(wall_ns),
        "clock": at.clock if stored.envelope.time is None else data.clock,
        "error_ms": at.error_ms if stored.envelope.time is None else data.error_ms,
        "interval": data.interval,
        "received": rfc3339(stored.received_ns),
        "delay_ms": None if wall_ns is None else (stored.received_ns - wall_ns) // MS,
        "edges": event.edges if event else 0,
        "settle_us": event.settle_us if event else 0,
        "reason": _reason(record),
        "detail": _detail(record) if not isinstance(record, Audit) else _audit(stored.unit, record, genuine),
        "attended": told(attended_of(ledger, (stored.unit, record.epoch, record.seq))) if event else [],
        "frames": [picture(p) for p in ledger.frames(stored.unit, record.epoch, record.seq)] if event else [],
    }


def _audit(unit: str, audit: Audit, genuine: Genuine) -> JSON:
    detail: JSON = {**audit.detail, "what": audit.what, "by": audit.by}
    if audit.of or audit.signature:
        detail |= {"of": audit.of, "signed": genuine(unit, audit)}
    return detail


def mended(ledger: Ledger, anchor: JSON) -> list[JSON]:
    """The rows of the page's first load whose times this anchor has just made known."""
    rows = ledger.records(unit=anchor["unit"], before_n=anchor["n"], limit=MENDED)
    return [entry(ledger, row) for row in rows if row.envelope.time is None and row.anchor is not None]


def picture(frame: Picture) -> JSON:
    """One picture, and where to get it."""
    known = know(frame.at, None).wall_ns
    return {
        "name": frame.name,
        "unit": frame.unit,
        "epoch": frame.epoch,
        "event": frame.event,
        "time": None if known is None else rfc3339(known),
        "url": f"/api/frames/{frame.name}.jpg",
    }


def _door(ledger: Ledger, row: UnitRow, labels: dict[str, str]) -> JSON:
    pulse = row.pulse or {}
    return {
        "unit": row.unit,
        "label": labels.get(row.unit, ""),
        "door": row.state.get("door", "unknown"),
        "since": row.state.get("since"),
        "armed": row.state.get("armed", True),  # an older unit knows no term, and watches always
        "phase": row.state.get("phase"),
        "starts": row.state.get("starts"),
        "ends": row.state.get("ends"),
        "online": row.online,
        "camera": row.state.get("camera", "none"),
        "last_seen": rfc3339(row.seen_ns),
        "pulse": row.pulse,
        "warnings": pulse.get("warnings", []),
        "gaps": ledger.missing(row.unit),
        "records": ledger.count(row.unit),
    }


def _reason(record: AnyRecord) -> str:
    if isinstance(record, Event):
        return record.reason
    return record.missing if isinstance(record, FrameSet) else ""


def _detail(record: AnyRecord) -> JSON:
    if isinstance(record, Boot):
        return {"version": record.version, "clean": record.clean, "new_boot": record.new_boot, "void": record.void}
    if isinstance(record, Gap):
        return {"reason": record.reason, "records": record.records, "frames": record.frames, "seqs": record.seqs}
    if isinstance(record, FrameSet):
        return {"event": record.event, "of": record.of, "frames": len(record.frames)}
    if isinstance(record, Alarm):
        return {"what": record.what, "source": record.source, "detail": record.detail}
    return {}
