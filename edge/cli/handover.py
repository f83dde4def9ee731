"""Make this unit ready for another flat: erase all it holds, its installation report too; it is commissioned anew.

It stays enrolled: its identity stays, unless --identity takes that too, for a unit that leaves the fleet.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from edge import config
from edge.cli import WELL
from edge.cli.erase import erase
from edge.cli.run import CONFIG
from edge.durable import sync_folder, trouble
from edge.errors import ConfigError
from edge.onsite.commission import MARKER

INSTALLED = (MARKER, "installation*")  # what commissioning leaves in the state folder
IDENTITY = "identity*"  # and what a cut may have left beside it


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit handover` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--yes", action="store_true", help="yes, erase")
    parser.add_argument("--identity", action="store_true", help="the identity too: the unit must be enrolled anew")


def run(args: argparse.Namespace) -> int:
    """0: erased, and not commissioned any more."""
    if not args.yes:
        raise ConfigError(
            "doorunit handover",
            found="no --yes",
            wanted="to be sure",
            remedy="Say --yes; what is not delivered is lost.",
        )
    folder = Path(config.load(args.config).unit.state_dir)
    told = erase(folder)
    gone = _remove(folder, (*INSTALLED, IDENTITY) if args.identity else INSTALLED)
    if args.json:
        sys.stdout.write(json.dumps({**told, "removed": gone}) + "\n")
    else:
        sys.stdout.write(f"{folder}: erased, and removed {', '.join(gone) or 'nothing more'}\n")
    return WELL


def _remove(folder: Path, patterns: tuple[str, ...]) -> list[str]:
    found = sorted(path for pattern in patterns for path in folder.glob(pattern))
    try:
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as err:
        raise trouble(f"folder {folder}", err) from err
    return [path.name for path in found]
