"""Watch the door until SIGTERM or Ctrl-C.

Without an identity it first enrols, by the station's file on the boot partition. Until an installer has signed it off
it serves a page for the installer's phone (install.port); then it opens no listening socket.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge import config
from edge.board.manager import Manager
from edge.cli import UNWELL, WELL, enrol, log_to_stderr
from edge.clock import SystemClock
from edge.onsite.commission import MARKER
from edge.onsite.reach import CONFIG as CONFIG

if TYPE_CHECKING:
    from edge.onsite.site import Site


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit run` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument(
        "--simulate", action="store_true", help="the shipped simulated parts instead of pins and camera"
    )
    parser.add_argument("--door", choices=("open", "shut"), default="shut", help="where the simulated door stands")


def run(args: argparse.Namespace) -> int:
    """Run until told to stop. 0: ended in order."""
    settings = config.load(args.config)
    log_to_stderr(settings.log.level)
    page = _page(settings, simulate=args.simulate)
    try:
        return _watch(args, settings, page)
    finally:
        if page is not None:
            page.close()


def _page(settings: config.Config, *, simulate: bool) -> "Site | None":
    """The installer's page; a unit that needs none does not even load what serves it."""
    if (Path(settings.unit.state_dir) / MARKER).exists() or not Path(settings.unit.enrol_file).exists():
        return None
    from edge.onsite import install

    return install.begin(settings, SystemClock(assume_synced=simulate))


def _watch(args: argparse.Namespace, settings: config.Config, page: "Site | None") -> int:
    manager = Manager(os.environ, os.getpid())
    if not enrol.settle(settings, manager.wait, page.visit.enrolling if page else None):
        return WELL
    from edge.assemble import Assembly

    assembly = Assembly(
        settings,
        simulate=args.simulate,
        door_open=args.door == "open",
        manager=manager if manager else None,
        page=page,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: assembly.stop())
    if args.json:
        sys.stdout.write(json.dumps({"running": True, "pid": os.getpid(), "simulated": args.simulate}) + "\n")
        sys.stdout.flush()
    assembly.run()
    return WELL if assembly.loop.faults == 0 else UNWELL
