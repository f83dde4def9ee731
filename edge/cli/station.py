"""Run a station (broker, enrolment, receiver, live page), or see to its units and to who may sign in at its page.

batch N: make N single-use tokens, with a file for each card and labels to print. units: how far each one is. accept
CODE: take in a unit that waits. revoke UNIT: its certificate counts no more. reissue UNIT: the same, and a new file
for its card. report UNIT: its installation report, verified; --out: that as a PDF. doorstep UNIT --base URL: the
address, and with --out its QR code as SVG, by which the resident announces an opening. enrol UNIT: an identity made
by hand, for the bench. release add FILE: offer a signed package to units. people add NAME --role R, people list,
people remove NAME, people reset NAME: the accounts. Each works on the station's folder; a station that runs takes it
up within seconds. receive: only the receiver, one of several side by side that share a
database.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from edge.cli import WELL, log_to_stderr, station_receive
from edge.clock import SystemClock
from edge.durable import write_durably
from edge.errors import ConfigError

if TYPE_CHECKING:
    from edge.station.ca import Authority
    from edge.station.desk import Desk

FOLDER = Path("/var/lib/doorunit-station")
BATCH_MAX = 500
ROLES = ("worker", "installer", "technician")
SHELL = "(shell)"  # who did it, in the audit: whoever may write the station's folder
WORDS = {
    "card": "waits for its card to start",
    "expired": "its token has expired",
    "pending": "waits to be accepted",
    "accepted": "accepted, has not asked again so far",
    "enrolled": "enrolled",
    "revoked": "revoked",
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit station` takes."""
    parser.add_argument("what", nargs="?", choices=("run", *VERBS), default="run", help="what to do (default run)")
    parser.add_argument(
        "which", nargs="?", default="", help="the unit's id; batch: how many; accept: the code; people: what"
    )
    parser.add_argument(
        "person", nargs="?", default="", help="people add, remove, reset: whose account; release add: the package"
    )
    parser.add_argument("--role", action="append", default=[], choices=ROLES, help="people add: may be repeated")
    parser.add_argument("--dir", type=Path, default=FOLDER, help=f"where the station keeps all it holds ({FOLDER})")
    parser.add_argument("--out", type=Path, help="enrol, batch, reissue: folder for what is written; report: a file")
    parser.add_argument("--unit", default="", help="accept: the id it gets (default: what it calls itself)")
    parser.add_argument("--prefix", default="door-", help="batch: how ids begin (default door-)")
    parser.add_argument("--note", default="", help="batch, reissue: a line on each label")
    parser.add_argument("--host", default="127.0.0.1", help="address on which units reach it (default 127.0.0.1)")
    parser.add_argument("--name", action="append", default=[], help="host name that units use for it; may be repeated")
    parser.add_argument("--mqtt-port", type=int, default=8883)
    parser.add_argument("--frames-port", type=int, default=8443)
    parser.add_argument("--enrol-port", type=int, default=8444)
    parser.add_argument("--page-port", type=int, default=8080, help="the live page (default 8080)")
    parser.add_argument("--page-host", default="127.0.0.1", help="address of the page; off loopback it has TLS")
    parser.add_argument("--open", action="store_true", help="ask nobody to sign in: a workshop bench, on loopback")
    parser.add_argument("--zone", default="Asia/Shanghai", help="the office's time zone (default Asia/Shanghai)")
    parser.add_argument(
        "--robots",
        type=Path,
        help="TOML with [wecom], [dingtalk], ... as a unit has them: they get the scheduled posts",
    )
    parser.add_argument("--channel", default="stable", help="release: which units are to have it (default stable)")
    parser.add_argument("--base", default="", help="doorstep: where phones reach the page, https://HOST:PORT")
    parser.add_argument("--language", choices=("zh", "en"), default="zh", help="of scheduled posts and of paper")
    station_receive.declare(parser)


def run(args: argparse.Namespace) -> int:
    """0: ended in order, or done."""
    return VERBS.get(args.what, _serve)(args)


def _enrol(args: argparse.Namespace) -> int:
    from edge.station.ca import Authority

    if not args.which or args.out is None:
        raise ConfigError(
            "doorunit station enrol",
            found="no unit or no --out",
            wanted="enrol UNIT --out FOLDER",
            remedy="Try: doorunit station --help",
        )
    who = Authority.open(args.dir / "ca").issue(args.which, args.out)
    return _tell(args, {"unit": who.unit, "identity": str(args.out)}, f"{who.unit}: identity written to {args.out}")


def _people(args: argparse.Namespace) -> int:
    from edge.station.audit import Trail
    from edge.station.ledger import Ledger
    from edge.station.people import People, Role

    if args.which not in ("add", "list", "remove", "reset") or (args.which == "list") == bool(args.person):
        raise ConfigError(
            "doorunit station people",
            found=" ".join((args.which, args.person)).strip() or "nothing more",
            wanted="add NAME --role R, list, remove NAME, or reset NAME",
            remedy="Try: doorunit station --help",
        )
    with closing(Ledger(args.dir)) as ledger:
        people, now_ns = People(ledger, Trail(ledger)), SystemClock().read().wall_ns
        if args.which == "add":
            return _first(args, people.add(args.person, tuple(Role(role) for role in args.role), now_ns, SHELL))
        if args.which == "reset":
            return _first(args, people.reset(args.person, now_ns, SHELL))
        if args.which == "remove":
            people.remove(args.person, now_ns, SHELL)
            sys.stdout.write(json.dumps({"removed": args.person}) + "\n" if args.json else f"{args.person}: removed\n")
            return WELL
        found = people.all()
    lines = [f"{one.name}  {' '.join(one.roles)}{'  (first password)' if one.fresh else ''}" for one in found]
    listed = [{"name": one.name, "roles": list(one.roles), "fresh": one.fresh} for one in found]
    told = json.dumps({"people": listed}, ensure_ascii=False) if args.json else "\n".join(lines) or "nobody"
    sys.stdout.write(told + "\n")
    return WELL


def _first(args: argparse.Namespace, password: str) -> int:
    """It is shown this once, and is kept nowhere."""
    told = {"name": args.person, "first_password": password}
    words = f"{args.person}: first password {password}\nIt is shown only now; the first sign-in asks for another.\n"
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n" if args.json else words)
    return WELL


def _serve(args: argparse.Namespace) -> int:
    log_to_stderr("info")
    from edge.station.office import Habits
    from edge.station.robots import Robots
    from edge.station.station import Ports, Station

    names = ("localhost", "127.0.0.1", *args.name)
    ports = Ports(args.host, names, args.mqtt_port, args.frames_port, args.page_port, args.enrol_port, args.page_host)
    poster = Robots.read(args.robots, SystemClock()) if args.robots else None
    habits = Habits(zone=args.zone, language=args.language)
    station = Station(args.dir, ports, open_=args.open, habits=habits, poster=poster)
    page = station.page

    def ready() -> None:
        told = {
            "page": page,
            "mqtt": station.broker.port,
            "frames": ports.frames,
            "enrol": ports.enrol,
            "broker": station.broker.kind,
        }
        sys.stdout.write(json.dumps(told) + "\n" if args.json else f"station: {page}\n")
        sys.stdout.flush()

    async def serve() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, station.end)
        await station.serve(ready)

    asyncio.run(serve())
    return WELL


def _batch(args: argparse.Namespace) -> int:
    from edge.station.batch import check_empty

    if not args.which.isascii() or not args.which.isdigit() or not 1 <= int(args.which) <= BATCH_MAX:
        raise _misuse("batch", args.which or "no number", f"batch N --out FOLDER, N from 1 to {BATCH_MAX}")
    check_empty(_out(args, "batch N"))
    ca, desk = _open(args)
    return _written(args, ca, desk.tokens(desk.free(args.prefix, int(args.which))))


def _reissue(args: argparse.Namespace) -> int:
    from edge.station.batch import check_empty

    check_empty(_out(args, "reissue UNIT"))
    ca, desk = _open(args)
    return _written(args, ca, {args.which: desk.reissue(_which(args, "reissue UNIT"))})


def _accept(args: argparse.Namespace) -> int:
    unit = _open(args)[1].accept(_which(args, "accept CODE"), args.unit)
    return _tell(args, {"unit": unit}, f"{unit}: accepted; it is enrolled when it asks again, within a minute")


def _revoke(args: argparse.Namespace) -> int:
    ended = _open(args)[1].revoke(_which(args, "revoke UNIT"))
    return _tell(args, {"unit": args.which, "certificates": ended}, f"{args.which}: revoked, certificates: {ended}")


def _units(args: argparse.Namespace) -> int:
    standing = _open(args)[1].standing()
    lines = [
        f"{one.unit or '(no name)':<20} {WORDS[one.state]:<38} since {one.since[:16]}Z"
        + (f"  until {one.until[:10]}" if one.until else "")
        + (f"  code {one.code} from {one.address}" if one.code else "")
        for one in standing
    ]
    return _tell(args, {"units": msgspec.to_builtins(standing)}, "\n".join(lines) or "no units")


def _report(args: argparse.Namespace) -> int:
    """Beside a station that runs too: its ledger is only read."""
    from edge.station import installation
    from edge.station.ledger import Ledger

    unit = _which(args, "report UNIT")
    ca, ledger = _open(args)[0], Ledger(args.dir)
    try:
        report = installation.newest(ledger, ca.known, unit)
    finally:
        ledger.close()
    told = {"unit": unit, "genuine": report.genuine, "received": report.received, "report": report.told}
    if args.out is not None:
        from edge.station.pdf import paper

        write_durably(args.out, paper(installation.sheet(report)))
        told["out"] = str(args.out)
    words = f"{unit}: installed by {report.told.get('installer')}, {report.told.get('ended')}; the signature is "
    return _tell(args, told, words + ("the unit's" if report.genuine else "NOT the unit's"))


def _doorstep(args: argparse.Namespace) -> int:
    from edge.station import resident

    unit = _which(args, "doorstep UNIT")
    if not args.base.startswith("https://") and not args.base.startswith("http://127.0.0.1"):
        raise _misuse("doorstep", args.base or "no --base", "--base https://HOST:PORT, as phones reach the page")
    ca = _open(args)[0]
    if unit not in ca.known.units():
        raise _misuse("doorstep", unit, "a unit of this station")
    url = resident.address(ca, args.base, unit)
    if args.out is not None:
        from edge.station.labels import svg

        write_durably(args.out, svg(url))
    return _tell(args, {"unit": unit, "url": url, "out": args.out and str(args.out)}, f"{unit}: {url}")


def _release(args: argparse.Namespace) -> int:
    from edge.station.releases import Releases

    if args.which != "add" or not args.person:
        raise _misuse("release", " ".join((args.which, args.person)).strip() or "nothing more", "release add FILE")
    told = Releases(args.dir / "releases").add(Path(args.person), args.channel)
    return _tell(args, told, f"{told['version']} is offered in channel {args.channel} as {told['offer']}")


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "enrol": _enrol,
    "people": _people,
    "batch": _batch,
    "units": _units,
    "accept": _accept,
    "revoke": _revoke,
    "reissue": _reissue,
    "report": _report,
    "doorstep": _doorstep,
    "release": _release,
    "receive": station_receive.run,
}


def _written(args: argparse.Namespace, ca: "Authority", tokens: Mapping[str, str]) -> int:
    from edge.station import batch

    station = f"https://{args.name[0] if args.name else args.host}:{args.enrol_port}"
    pem = ca.ca_file.read_text(encoding="ascii")
    labels = batch.write(args.out, tokens, station=station, ca=pem, clock=SystemClock(), note=args.note)
    told = {"units": list(tokens), "station": station, "out": str(args.out), "labels": str(labels)}
    return _tell(args, told, f"{len(tokens)} cards and {labels}; units will look for {station}")


def _open(args: argparse.Namespace) -> "tuple[Authority, Desk]":
    from edge.station.ca import Authority
    from edge.station.desk import Desk

    ca = Authority.open(args.dir / "ca")
    return ca, Desk(args.dir / "enrol", ca, SystemClock())


def _out(args: argparse.Namespace, usage: str) -> Any:
    if args.out is None:
        raise _misuse(usage.split(maxsplit=1)[0], "no --out", f"{usage} --out FOLDER")
    return args.out


def _which(args: argparse.Namespace, usage: str) -> str:
    if not args.which:
        raise _misuse(usage.split(maxsplit=1)[0], "nothing more", usage)
    return str(args.which)


def _misuse(verb: str, found: str, wanted: str) -> ConfigError:
    return ConfigError(f"doorunit station {verb}", found=found, wanted=wanted, remedy="Try: doorunit station --help")


def _tell(args: argparse.Namespace, told: Mapping[str, Any], words: str) -> int:
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n" if args.json else f"{words}\n")
    return WELL
