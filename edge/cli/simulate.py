"""Move the door of a unit that was started with --simulate; or play a whole fleet of units against a broker."""

import argparse
import logging
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge import config
from edge.cli import UNWELL, WELL, broker_at
from edge.errors import ConfigError
from edge.onsite import reach
from edge.sim import remote
from edge.sim.waves import NAMES

if TYPE_CHECKING:
    import ssl

SAID = {"en": "the door is {}", "zh": "门：{}"}
UNITS_MAX = 18_000  # of one process: each is a connection from one address to one port
REACH_S = 5.0
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

    _require_sane(args)
    wanted = "mqtts://host:port, or mqtt://host:port on this machine"
    host, port, tls = broker_at(args.broker, wanted, TRY)
    if tls and (args.station is None or not (args.station / "ca").is_dir()):
        found = "nothing" if args.station is None else f"{args.station}, which holds no authority"
        raise ConfigError("--station", found=found, wanted="the station's folder, to admit them", remedy=TRY)
    _require_broker(host, port)
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


def _require_sane(args: argparse.Namespace) -> None:
    """Raise ConfigError for what no fleet can be played with; before anything is made or dialled."""
    from edge.identity import UNIT_ID

    for flag, value, fits, wanted in (
        ("--units", args.units, 1 <= args.units <= UNITS_MAX, f"1 to {UNITS_MAX}; run several, each with a prefix"),
        ("--openings", args.openings, 0 <= args.openings <= 86_400, "0 to 86400 a day"),
        ("--hour", args.hour, args.hour is None or 0 <= args.hour < 24, "an hour of the day, 0 to below 24"),
        ("--minutes", args.minutes, 0 <= args.minutes <= 100_000, "0 to 100000"),
        ("--cut", args.cut, 0 <= args.cut <= 86_400, "0 to 86400 s; 0: the power stays"),
        ("--pulse", args.pulse, 1 <= args.pulse <= 3600, "1 to 3600 s"),
        ("--prefix", args.prefix, bool(UNIT_ID.fullmatch(f"{args.prefix}{0:06d}")), "letters, digits and hyphens"),
    ):
        if not fits:
            raise ConfigError(flag, found=value, wanted=wanted, remedy=TRY)


def _require_broker(host: str, port: int) -> None:
    """Raise LinkError where nobody listens, which a fleet would dial for minutes."""
    from edge.clock import SystemClock
    from edge.uplink.refusal import explain

    try:
        socket.create_connection((host, port), REACH_S).close()
    except OSError as err:
        raise explain(err, f"{host}:{port}", SystemClock().read()) from err


def _passes(station: Path, units: Sequence[str], folder: Path) -> "dict[str, ssl.SSLContext]":
    """Each unit's certificate; one key does for all of them."""
    from edge.onsite.keys import make_tls_key, public_of
    from edge.station.ca import Authority
    from edge.uplink.tunnel import show_certificate

    authority = Authority.open(station / "ca")
    key_pem = make_tls_key()
    public, key_file, made = public_of(key_pem), folder / "key.pem", folder / "unit.pem"
    key_file.write_bytes(key_pem)
    passes = {}
    for unit in units:
        made.write_bytes(authority.pass_for_a_day(unit, public))
        passes[unit] = show_certificate(str(authority.ca_file), str(made), str(key_file))
    return passes
