"""Move the door of a unit that was started with --simulate; or play a whole fleet of units against a broker."""

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge import config
from edge.cli import UNWELL, WELL
from edge.declare import is_loopback
from edge.errors import ConfigError
from edge.onsite import reach
from edge.sim import remote
from edge.sim.waves import NAMES

if TYPE_CHECKING:
    import ssl

SAID = {"en": "the door is {}", "zh": "门：{}"}
UNITS_MAX = 18_000  # of one process: each is a connection from one address to one port
TRY = "Try: doorunit simulate --help"


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit simulate` takes."""
    reach.declare(parser)
    parser.add_argument(
        "to", nargs="?", choices=("open", "shut", "fleet"), default="open", help="where the door moves to; or a fleet"
    )
    parser.add_argument("--wave", choices=NAMES, default="bounce", help="what its contact does (default bounce)")
    fleet = parser.add_argument_group("fleet", "many units in one process, with the real wire and courier")
    fleet.add_argument("--units", type=int, default=100, help=f"how many, up to {UNITS_MAX} (default 100)")
    fleet.add_argument(
        "--broker", default="mqtt://127.0.0.1:1883", help="mqtt://host:port on this machine, or mqtts://host:port"
    )
    fleet.add_argument("--station", type=Path, help="mqtts: folder of the station whose authority admits them")
    fleet.add_argument("--openings", type=float, default=12.0, help="a unit's openings a day (default 12)")
    fleet.add_argument("--hour", type=float, help="hour of the day at the start, for a daily rhythm; without: even")
    fleet.add_argument("--minutes", type=float, default=1.0, help="how long they live (default 1)")
    fleet.add_argument("--cut", type=float, default=0.0, help="s without power for all of them, afterwards")
    fleet.add_argument("--pulse", type=int, default=20, help="s between the pulses of a unit (default 20)")
    fleet.add_argument("--prefix", default="sim", help="how their ids begin (default sim)")
    fleet.add_argument("--seed", type=int, default=1, help="of their doors (default 1)")


def run(args: argparse.Namespace) -> int:
    """0: it moves; or every record of the fleet has its receipt. 1: some have none."""
    if args.to == "fleet":
        return _fleet(args)
    unit = reach.Reach(args)
    state = Path(config.load(args.config).unit.state_dir)
    told = remote.move(state / remote.NAME, args.to, args.wave)
    unit.tell({**told, "wave": args.wave}, SAID[unit.lang].format(told["door"]))
    return WELL


def _fleet(args: argparse.Namespace) -> int:
    import msgspec

    from edge.clock import SystemClock
    from edge.sim.fleet import Plan
    from edge.sim.storm import Script, play
    from edge.sim.swarm import Door

    host, port, tls = _address(args.broker, args.units)
    if tls and args.station is None:
        raise ConfigError("--station", found="nothing", wanted="the station's folder, to admit them", remedy=TRY)
    logging.basicConfig(level=logging.ERROR)  # a power cut of ten thousand units is as many warnings
    plan = Plan(args.units, args.openings, args.hour, args.pulse, seed=args.seed, prefix=args.prefix)
    script = Script(live_s=args.minutes * 60, cut_s=args.cut)
    folder = Path(tempfile.mkdtemp(prefix="doorunit-fleet-"))
    try:
        contexts = _passes(args.station, plan.names, folder) if tls else None
        say = sys.stderr.write if args.json else sys.stdout.write
        report = play(plan, Door(host, port, 20, contexts), script, SystemClock(assume_synced=True), say)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{name}: {value}\n" for name, value in msgspec.structs.asdict(report).items()))
    return WELL if report.owed == 0 and report.all_up_s is not None else UNWELL


def _address(broker: str, units: int) -> tuple[str, int, bool]:
    """Host, port, whether with TLS. Raises ConfigError."""
    if not 1 <= units <= UNITS_MAX:
        raise ConfigError("--units", found=units, wanted=f"1 to {UNITS_MAX}", remedy="Run several, each with a prefix.")
    try:
        parts = urlsplit(broker)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    tls = broker.startswith("mqtts://")
    if not (tls or broker.startswith("mqtt://")) or not host or not (tls or is_loopback(host)):
        wanted = "mqtts://host:port, or mqtt://host:port on this machine"
        raise ConfigError("--broker", found=broker, wanted=wanted, remedy=TRY)
    return host, port or (8883 if tls else 1883), tls


def _passes(station: Path, units: Sequence[str], folder: Path) -> "dict[str, ssl.SSLContext]":
    """Each unit's certificate; one key does for all of them."""
    from edge.onsite.keys import make_tls_key, public_of
    from edge.sim.swarm import context
    from edge.station.ca import Authority

    authority = Authority.open(station / "ca")
    key_pem = make_tls_key()
    public, key_file, made = public_of(key_pem), folder / "key.pem", folder / "unit.pem"
    key_file.write_bytes(key_pem)
    passes = {}
    for unit in units:
        made.write_bytes(authority.pass_for_a_day(unit, public))
        passes[unit] = context(authority.ca_file, made, key_file)
    return passes
