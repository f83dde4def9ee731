"""What the unit wrote to its journal: `journalctl -u doorunit`, or where else to look."""

import argparse
import shutil
import subprocess
from pathlib import Path

from edge.cli import UNWELL, WELL
from edge.onsite import reach

UNIT = "doorunit"
BOOTED = Path("/run/systemd/system")  # sd_booted(3)
SAID = {
    "en": "There is no systemd here. The unit writes to stderr: look where whoever started it sends that.",
    "zh": "本机没有 systemd。程序把日志写到标准错误输出：请到启动它的地方查看。",
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit log` takes."""
    reach.declare(parser)
    parser.add_argument("--lines", type=int, default=100, help="how many, the last ones (default 100)")
    parser.add_argument("--follow", action="store_true", help="go on with what is written, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """0: shown; 1: there is no journal here."""
    unit = reach.Reach(args)
    journalctl = shutil.which("journalctl")
    if journalctl is None or not BOOTED.exists():
        unit.tell({"lines": None, "said": SAID[unit.lang]}, SAID[unit.lang])
        return UNWELL
    words = [journalctl, "-u", UNIT, "-n", str(max(0, args.lines)), "--no-pager", "-o", "short-iso-precise"]
    if args.follow or not args.json:
        more = (["-f"] if args.follow else []) + (["-o", "json"] if args.json else [])
        try:
            return WELL if subprocess.run([*words, *more], check=False).returncode == 0 else UNWELL  # noqa: S603 - as below
        except KeyboardInterrupt:
            return WELL
    done = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603 - no shell, our own words
    unit.tell({"lines": done.stdout.splitlines()}, "")
    return WELL if done.returncode == 0 else UNWELL
