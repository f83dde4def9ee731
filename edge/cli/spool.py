"""What waits for the platform: list it, show one record, or export all of it. Nothing is changed by looking."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from edge.cli import UNWELL, WELL
from edge.durable import trouble
from edge.errors import ConfigError, DoorunitError
from edge.onsite import reach
from edge.onsite.events import wanted
from edge.records import AnyRecord
from edge.spool.peek import Copy, copied

PAGE = 500
Rows = Iterator[dict[str, Any]]
WORDS = {
    "en": {"count": "{} records and {} pictures wait", "no": "{} does not wait in the spool", "out": "{}: {} records"},
    "zh": {"count": "待发：{} 条记录，{} 张图片", "no": "{} 不在缓存中", "out": "{}：{} 条记录"},
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit spool` takes."""
    reach.declare(parser)
    parser.add_argument(
        "what", nargs="?", choices=("ls", "show", "export"), default="ls", help="list, show one record, or export all"
    )
    parser.add_argument("which", nargs="?", help="show: seq or epoch/seq; export: the file to write")
    parser.add_argument("--limit", type=int, default=50, help="ls: at most this many (default 50)")


def run(args: argparse.Namespace) -> int:
    """0: done; 1: the record to show does not wait."""
    unit = reach.Reach(args)
    if args.what != "ls" and not args.which:
        raise ConfigError(
            f"doorunit spool {args.what}",
            found="nothing after it",
            wanted="a file" if args.what == "export" else "a seq or epoch/seq",
            remedy="Try: doorunit spool --help",
        )
    if args.what == "show":
        wanted(args.which)
    first = unit.ask_or_none("spool", {"limit": 0})
    if first is not None:
        return _do(args, unit, first["records"], first["frames_waiting"], _asked(unit))
    with copied(unit.folder) as copy:
        frames = len(copy.frames()) if copy is not None else 0
        records = copy.summary().records if copy is not None else 0
        return _do(args, unit, records, frames, _peeked(copy))


def _asked(unit: reach.Reach) -> Rows:
    """Page by page from the running unit; what is delivered meanwhile is left out."""
    after = 0
    while rows := unit.ask("spool", {"after": after, "limit": PAGE})["rows"]:
        after = rows[-1]["n"]
        yield from rows


def _peeked(copy: Copy | None) -> Rows:
    for n, record in copy.records() if copy is not None else ():
        yield {"n": n, "record": msgspec.to_builtins(record)}


def _do(args: argparse.Namespace, unit: reach.Reach, records: int, frames: int, rows: Rows) -> int:
    words = WORDS[unit.lang]
    if args.what == "ls":
        shown = [row for row, _ in zip(rows, range(max(0, args.limit)), strict=False)]
        lines = [words["count"].format(records, frames), *(_line(row["record"]) for row in shown)]
        unit.tell({"records": records, "frames": frames, "rows": shown}, "\n".join(lines))
    elif args.what == "show":
        fits = wanted(args.which)
        found = next((row for row in rows if fits(msgspec.convert(row["record"], AnyRecord))), None)
        text = (
            words["no"].format(args.which)
            if found is None
            else json.dumps(found["record"], ensure_ascii=False, indent=2)
        )
        unit.tell({"row": found}, text)
        return UNWELL if found is None else WELL
    else:
        count = _export(Path(args.which), rows)
        unit.tell({"file": args.which, "records": count}, words["out"].format(args.which, count))
    return WELL


def _export(path: Path, rows: Rows) -> int:
    """One record a line, as it stands in the spool. Raises PartError."""
    count = 0
    try:
        path.touch(0o600, exist_ok=False)  # when a door moved is nobody else's business
        with path.open("w", encoding="utf-8") as file:
            for count, row in enumerate(rows, 1):  # noqa: B007 - what is counted is returned
                file.write(json.dumps(row["record"], ensure_ascii=False) + "\n")
    except DoorunitError:  # the unit's own, who ended meanwhile
        raise
    except OSError as err:
        raise trouble(f"file {path}", err) from err
    return count


def _line(record: dict[str, Any]) -> str:
    what = record.get("change") or record.get("what") or record.get("reason") or ""
    return f"  {record['epoch']}/{record['seq']:<8} {record['kind']:<8} {what}"
