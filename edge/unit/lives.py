"""Lives of records and what waits, as the unit tells people of them: JSON, times in ms from the first edge."""

from collections.abc import Mapping
from typing import Any

import msgspec

from edge import wire
from edge.clock import MS, know
from edge.health import ROWS
from edge.onsite.desk import JSON, Answer
from edge.onsite.events import wanted
from edge.parts import FrameRow
from edge.records import Alarm, AnyRecord, Audit, Event
from edge.spool.journal import Rows
from edge.unit.agent import Unit
from edge.unit.trace import Life, Picture, Way

PAGE = 500  # records of a page; about 400 bytes each
PAGES = 20  # looked through for one record


def why(unit: Unit, args: Mapping[str, Any], answer: Answer) -> None:
    """The life of one record, by "last", seq or epoch/seq; what is older than the trace is looked for in the spool."""
    wish = str(args.get("event", "last"))
    fits = wanted(wish)
    lives = [life for life in unit.crew.trace.lives if isinstance(life.record, Event) or wish != "last"]
    found = next((life for life in reversed(lives) if fits(life.record)), None)
    if found is not None:
        answer({"life": tell(unit, found), "waits": found.way.receipt_ns is None})
    elif wish == "last":
        answer({"life": None, "waits": False})
    else:
        _search(unit, wish, answer, 0, 0, PAGES)


def events(unit: Unit, args: Mapping[str, Any], answer: Answer) -> None:
    """The last lives, oldest first: those after number `after`, at most `limit`."""
    after, limit = _number(args, "after", 0), _number(args, "limit", PAGE)
    lives = [tell(unit, life) for life in unit.crew.trace.lives if life.number > after]
    answer({"events": lives[-limit:] if limit else [], "watching": unit.crew.doorkeeper.watching})


def spool(unit: Unit, args: Mapping[str, Any], answer: Answer) -> None:
    """What waits: a page of records after row number `after`, and of pictures their names."""
    crew, after, limit = unit.crew, _number(args, "after", 0), min(_number(args, "limit", PAGE), PAGE)

    def came(rows: Rows) -> None:
        answer(
            {
                "records": crew.journal.backlog,  # of all platforms; each one's in the pulse
                "frames": [frame(row) for row in crew.album.rows()[:PAGE]],
                "frames_waiting": len(crew.album),
                "rows": [{"n": n, "record": msgspec.to_builtins(record)} for n, record in rows],
            }
        )

    crew.journal.read(after, limit, came)


def frame(row: FrameRow) -> JSON:
    """A picture that waits, named."""
    return {"name": row.name, "event": f"{row.epoch}/{row.event}", "size_bytes": row.size_bytes}


def tell(unit: Unit, life: Life) -> JSON:
    """One life. Times are ms after the record's own instant, which for an opening is its first edge; None: not yet."""
    record, way, zero_ns = life.record, life.way, life.record.at.boot_ns
    known = know(record.at, unit.crew.journal.anchors.get(record.at.boot))
    return {
        "number": life.number,
        "key": f"{record.epoch}/{record.seq}",
        "kind": type(record).__name__.lower(),
        "what": _what(record),
        "time": None if known.wall_ns is None else wire.rfc3339(known.wall_ns),
        "clock": known.clock,
        "now_ms": (unit.crew.loop.now() - zero_ns) / MS,
        "edges": record.edges if isinstance(record, Event) else 0,
        "edges_us": [(ns - zero_ns) // 1000 for ns in life.edges_ns],
        "missed": isinstance(record, Event) and record.since is not None,
        "expected": record.expected if isinstance(record, Event) else None,
        **_way(way, zero_ns),
        "backlog": life.backlog,
        "link_down_ms": None if life.down_ns is None else (life.down_ns - zero_ns) / MS,
        "by": [_row(code, since_ns, zero_ns) for code, since_ns in life.hindrances.items()],
        "pictures": [_picture(name, one, zero_ns) for name, one in life.pictures.items()],
        "pictures_told": None if life.told is None else _way(life.told, zero_ns),
        "pictures_missing": life.missing,
    }


def _what(record: AnyRecord) -> str:
    if isinstance(record, Event):
        return str(record.change)
    if isinstance(record, Alarm):
        return f"{record.what} {record.source}"
    return record.what if isinstance(record, Audit) else ""


def _way(way: Way, zero_ns: int) -> JSON:
    steps = ("made", "stored", "sent", "acked", "denied", "receipt")
    return {**{f"{step}_ms": _ms(getattr(way, f"{step}_ns"), zero_ns) for step in steps}, "sends": way.sends}


def _picture(name: str, one: Picture, zero_ns: int) -> JSON:
    steps = ("taken", "sealed", "kept", "delivered")
    return {"name": name, **{f"{step}_ms": _ms(getattr(one, f"{step}_ns"), zero_ns) for step in steps}}


def _ms(at_ns: int | None, zero_ns: int) -> float | None:
    return None if at_ns is None else (at_ns - zero_ns) / MS


def _row(code: str, since_ns: int, zero_ns: int) -> JSON:
    return {"code": code, "since_ms": (since_ns - zero_ns) / MS, "en": ROWS[code].en, "zh": ROWS[code].zh}


def _number(args: Mapping[str, Any], name: str, default: int) -> int:
    """A count from a stranger; what is none is the default."""
    value = args.get(name, default)
    return value if type(value) is int and 0 <= value < 2**62 else default


def _search(unit: Unit, wish: str, answer: Answer, after: int, before: int, pages: int) -> None:
    """Page through the spool; the answer says how many wait before it."""
    fits = wanted(wish)

    def came(rows: Rows) -> None:
        for i, (_, record) in enumerate(rows):
            if fits(record):
                answer({"life": None, "waits": True, "record": msgspec.to_builtins(record), "before": before + i})
                return
        if len(rows) < PAGE or pages <= 1:
            answer({"life": None, "waits": False, "searched": before + len(rows)})
        else:
            _search(unit, wish, answer, rows[-1][0], before + len(rows), pages - 1)

    unit.crew.journal.read(after, PAGE, came)
