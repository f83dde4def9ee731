"""Erase what this unit holds, also where no platform answers. It must be stopped, and tells of it when it starts again.

What is not delivered yet is lost, and counted. Without --yes nothing is done.
"""

import argparse
import json
import secrets
import sys
from functools import partial
from pathlib import Path

from edge import config
from edge.cli import WELL
from edge.cli.run import CONFIG
from edge.errors import ConfigError


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit erase` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--yes", action="store_true", help="yes, erase")


def run(args: argparse.Namespace) -> int:
    """0: erased."""
    if not args.yes:
        raise ConfigError(
            "doorunit erase", found="no --yes", wanted="to be sure", remedy="Say --yes; what is not delivered is lost."
        )
    folder = Path(config.load(args.config).unit.state_dir)
    told = erase(folder)
    line = f"{folder}: erased; not delivered were {told['records']} records and {told['frames']} pictures"
    sys.stdout.write(json.dumps(told) + "\n" if args.json else line + "\n")
    return WELL


def erase(folder: Path) -> dict[str, object]:
    """Erase, and say what was lost. Raises ConfigError while a unit runs there, PartError where the card refuses."""
    from edge.spool.erase import Eraser
    from edge.spool.frames import FrameFiles
    from edge.spool.hold import Hold
    from edge.spool.shares import lacks
    from edge.spool.store import SqliteStore
    from edge.unit.erasure import STATE, counting, read_erasure
    from edge.unit.warden import NAME

    if not folder.is_dir():
        raise ConfigError(
            f"state folder {folder}",
            found="no such folder",
            wanted="what a unit keeps",
            remedy="--config names the unit's settings; unit.state_dir in them is the folder.",
        )
    hold = Hold(folder)
    store, files = SqliteStore(folder, partial(secrets.token_hex, 8)), FrameFiles(folder / "frames")
    try:
        eraser = Eraser(folder, store, files)
        snapshot = eraser.open()
        keep = {"commands": snapshot.state.get("commands", b"{}").decode()}  # what was done is never done again
        count = counting("technician", snapshot.epoch, len(snapshot.frames), keep, lacks(snapshot.state))
        made = read_erasure(eraser.erase(count, {NAME: ""}).state[STATE])
    finally:
        store.close()
        hold.close()
    return {"folder": str(folder), "records": made.records if made else None, "frames": made.frames if made else None}
