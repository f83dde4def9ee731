"""The wire described for whoever builds a platform, and a platform tried out by a unit that is none.

schema [MESSAGE]: JSON Schema 2020-12 of one message, or of all. asyncapi, openapi: the wire over MQTT, over HTTPS.
papers: all of these as files in --out. check URL: play a unit against the platform at mqtts://HOST:PORT or
https://HOST:PORT, and tell what it does wrong.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge.cli import UNWELL, WELL
from edge.errors import ConfigError

WHAT = ("schema", "asyncapi", "openapi", "papers", "check")


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit wire` takes."""
    parser.add_argument("what", choices=WHAT, help="what to tell")
    parser.add_argument("name", nargs="?", default="", help="schema: a message; check: mqtts:// or https://HOST:PORT")
    parser.add_argument("--out", type=Path, help="papers: a folder")
    parser.add_argument("--identity", type=Path, help="check: folder of an identity whose id begins with wirecheck-")
    parser.add_argument("--frames", default="", help="check mqtts://: where frames are put, https://HOST:PORT")
    parser.add_argument(
        "--reader", nargs=2, metavar=("CERTIFICATE", "KEY"), help="check: PEM files of one more receiver, to see more"
    )
    parser.add_argument("--within", type=float, default=10.0, help="check: seconds for each answer (default 10)")
    parser.add_argument("--backlog", type=int, default=1000, help="check: records of the backlog (default 1000)")


def run(args: argparse.Namespace) -> int:
    """0: told, or the platform is well; 1: it does something wrong."""
    if args.what == "check":
        return _check(args)
    if args.name and args.what != "schema":
        raise _misuse(args.what, args.name, "nothing more")
    if args.what == "papers":
        return _papers(args)
    document = _document(args.what, args.name)
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=None if args.json else 2) + "\n")
    return WELL


def _document(what: str, name: str) -> dict[str, Any]:
    from edge.platform import asyncapi, openapi, schema

    if what == "schema":
        return schema.schema(name) if name else schema.schemas()
    return asyncapi.document() if what == "asyncapi" else openapi.document()


def _papers(args: argparse.Namespace) -> int:
    from edge.durable import trouble
    from edge.platform.papers import papers

    if args.out is None:
        raise _misuse("papers", "no --out", "--out FOLDER")
    made = papers()
    try:
        for name, text in made.items():
            path = args.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise trouble(f"folder {args.out}", err) from err
    told = json.dumps({"written": sorted(made)}) if args.json else f"{len(made)} files in {args.out}"
    sys.stdout.write(told + "\n")
    return WELL


def _check(args: argparse.Namespace) -> int:
    from edge import identity
    from edge.platform import check, rows

    if args.identity is None:
        raise _misuse("check", "no --identity", "--identity FOLDER, as `doorunit station enrol wirecheck-1` writes it")
    if not (0 < args.within <= 600 and 1 <= args.backlog <= 100_000):
        raise _misuse("check", f"{args.within:g} s, {args.backlog} records", "up to 600 s and 100000 records")
    reader = tuple(args.reader) if args.reader else None
    who = identity.load(args.identity)
    plan = check.Plan(args.name, who, args.frames, reader, args.within, args.backlog)
    found = []
    for row in check.check(plan):
        found.append(row)
        if not args.json:
            sys.stdout.write("\n".join(rows.lines([row])) + "\n")
            sys.stdout.flush()
    is_well = all(row.verdict != rows.WRONG for row in found)
    if args.json:
        told = {"url": args.name, "well": is_well, "rows": [rows.plain(row) for row in found]}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return WELL if is_well else UNWELL


def _misuse(what: str, found: str, wanted: str) -> ConfigError:
    return ConfigError(f"doorunit wire {what}", found=found, wanted=wanted, remedy="Try: doorunit wire --help")
