"""Watch the door until SIGTERM or Ctrl-C. Outside commissioning it opens no listening socket.

Without an identity it first enrols, by the station's file on the boot partition.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

from edge import config
from edge.board.manager import Manager
from edge.cli import UNWELL, WELL, enrol, log_to_stderr

CONFIG = Path("/etc/doorunit/doorunit.toml")


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
    manager = Manager(os.environ, os.getpid())
    if not enrol.settle(settings, manager.wait):
        return WELL
    from edge.assemble import Assembly

    assembly = Assembly(
        settings, simulate=args.simulate, door_open=args.door == "open", manager=manager if manager else None
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: assembly.stop())
    if args.json:
        sys.stdout.write(json.dumps({"running": True, "pid": os.getpid(), "simulated": args.simulate}) + "\n")
        sys.stdout.flush()
    assembly.run()
    return WELL if assembly.loop.faults == 0 else UNWELL
