"""Run a station (broker, receiver, live page), or enrol a unit at it."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from edge.cli import WELL, log_to_stderr
from edge.errors import ConfigError

FOLDER = Path("/var/lib/doorunit-station")


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit station` takes."""
    parser.add_argument("what", nargs="?", choices=("run", "enrol"), default="run", help="what to do (default run)")
    parser.add_argument("unit", nargs="?", default="", help="enrol: the unit's id")
    parser.add_argument("--dir", type=Path, default=FOLDER, help=f"where the station keeps all it holds ({FOLDER})")
    parser.add_argument("--out", type=Path, help="enrol: folder for the unit's identity")
    parser.add_argument("--host", default="127.0.0.1", help="address on which units reach it (default 127.0.0.1)")
    parser.add_argument("--name", action="append", default=[], help="host name that units use for it; may be repeated")
    parser.add_argument("--mqtt-port", type=int, default=8883)
    parser.add_argument("--frames-port", type=int, default=8443)
    parser.add_argument("--page-port", type=int, default=8080, help="the live page, on 127.0.0.1 only")


def run(args: argparse.Namespace) -> int:
    """0: ended in order, or enrolled."""
    return _enrol(args) if args.what == "enrol" else _serve(args)


def _enrol(args: argparse.Namespace) -> int:
    from edge.station.ca import Authority

    if not args.unit or args.out is None:
        raise ConfigError(
            "doorunit station enrol",
            found="no unit or no --out",
            wanted="enrol UNIT --out FOLDER",
            remedy="Try: doorunit station --help",
        )
    who = Authority.open(args.dir / "ca").issue(args.unit, args.out)
    told = {"unit": who.unit, "identity": str(args.out)}
    sys.stdout.write(json.dumps(told) + "\n" if args.json else f"{who.unit}: identity written to {args.out}\n")
    return WELL


def _serve(args: argparse.Namespace) -> int:
    log_to_stderr("info")
    from edge.station.station import Ports, Station

    names = ("localhost", "127.0.0.1", *args.name)
    ports = Ports(args.host, names, args.mqtt_port, args.frames_port, args.page_port)
    station = Station(args.dir, ports)
    page = f"http://127.0.0.1:{ports.page}/"

    def ready() -> None:
        told = {"page": page, "mqtt": station.broker.port, "frames": ports.frames, "broker": station.broker.kind}
        sys.stdout.write(json.dumps(told) + "\n" if args.json else f"station: {page}\n")
        sys.stdout.flush()

    async def serve() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, station.end)
        await station.serve(ready)

    asyncio.run(serve())
    return WELL
