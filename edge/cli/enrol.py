"""Give this unit its identity: make its keys here and have the station certify them. `doorunit run` does it too.

Without a token in the file, or with one that is refused, the unit waits under a short code until a person accepts it:
`doorunit station accept CODE`.
"""

import argparse
import json
import logging
import random
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge import config, identity
from edge.cli import UNWELL, WELL, log_to_stderr
from edge.clock import FLOOR_NS, SystemClock
from edge.config import Config
from edge.errors import ConfigError, DoorunitError
from edge.health import Health
from edge.identity import Identity
from edge.onsite import enrol
from edge.onsite.bootfile import BootFile

log = logging.getLogger(__name__)

CONFIG = Path("/etc/doorunit/doorunit.toml")


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit enrol` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--boot-file", type=Path, help="the station's file (default: unit.enrol_file of the settings)")
    parser.add_argument("--once", action="store_true", help="ask once instead of waiting for an answer")


def run(args: argparse.Namespace) -> int:
    """0: enrolled. 1: not so far."""
    settings = config.load(args.config)
    log_to_stderr(settings.log.level)
    if args.boot_file is not None:
        unit = msgspec.structs.replace(settings.unit, enrol_file=str(args.boot_file))
        settings = msgspec.structs.replace(settings, unit=unit)
    state, boot_path = _paths(settings)
    boot = enrol.due(state, boot_path)
    if boot is None:
        who: Identity | None = identity.load(state / enrol.IDENTITY) if _has(state) else None
        if who is None:
            raise _no_file(boot_path)
        return _tell(who, "", as_json=args.json)
    asking = _enrolment(settings, boot)
    who = asking.attempt() if args.once else _wait(asking)
    return _tell(who, asking.code, as_json=args.json)


def settle(
    settings: Config,
    waits: Callable[[float], None] = lambda _: None,
    shown: Callable[[Health, str], None] | None = None,
) -> bool:
    """Before a unit runs: enrol it, where that is due. False where it was told to end meanwhile.

    `waits(seconds)` is called before each wait for an answer, which may be for hours until a person accepts. `shown`
    is told whenever it changes what is wrong, with the code under which the unit waits.

    A unit with an identity that has been given a token for another asks once, and runs with what it has. Raises
    ConfigError for a boot file that cannot be used.
    """
    state, boot_path = _paths(settings)
    boot = enrol.due(state, boot_path)
    if boot is None:
        return True
    asking = _enrolment(settings, boot)
    if shown is not None:
        asking.health.on_change = lambda: shown(asking.health, asking.code)
    if not _has(state):
        return _wait(asking, waits) is not None
    try:
        asking.attempt()
    except DoorunitError as err:  # the door is watched all the same
        log.warning("%s", err)
    return True


def _paths(settings: Config) -> tuple[Path, Path]:
    return Path(settings.unit.state_dir), Path(settings.unit.enrol_file)


def _has(state: Path) -> bool:
    return identity.exists(state / enrol.IDENTITY)


def _enrolment(settings: Config, boot: BootFile) -> enrol.Enrolment:
    from edge.uplink.desk import HttpsDesk
    from edge.uplink.tunnel import proxy

    state, boot_path = _paths(settings)
    clock = SystemClock()
    post = HttpsDesk(boot.station, boot.ca, clock, floor_ns=max(FLOOR_NS, boot.made_ns), proxy=proxy(settings.uplink))
    return enrol.Enrolment(boot, boot_path, state, post, clock, Health())


def _wait(asking: enrol.Enrolment, waits: Callable[[float], None] = lambda _: None) -> Identity | None:
    """Ask until there is an answer, or a signal to end."""
    ending = threading.Event()

    def wait(seconds: float) -> bool:
        waits(seconds)
        return ending.wait(seconds)

    before = {number: signal.signal(number, lambda *_: ending.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return asking.run(wait, random.SystemRandom())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(who: Identity | None, code: str, *, as_json: bool) -> int:
    told = {"unit": who.unit if who else None, "enrolled": who is not None, "code": code}
    words = f"enrolled as {who.unit}" if who else f"not enrolled; waits under code {code}" if code else "not enrolled"
    sys.stdout.write(json.dumps(told) + "\n" if as_json else f"{words}\n")
    return WELL if who else UNWELL


def _no_file(boot_path: Path) -> ConfigError:
    return ConfigError(
        f"enrolment file {boot_path}",
        found="no such file",
        wanted="the file that the station wrote for this unit",
        remedy="`doorunit station batch` or `reissue` writes it; or name another with --boot-file.",
    )
