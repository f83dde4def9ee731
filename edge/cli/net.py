"""The way to the platform, layer by layer, each timed: interface, address, router, names, TCP, TLS, broker."""

import argparse
import json
import os
import sys
from pathlib import Path

from edge.cli import UNWELL, WELL
from edge.cli.run import CONFIG
from edge.onsite import doctor, show
from edge.onsite.scene import look
from edge.onsite.words import LANGS, language


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit net` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--lang", choices=LANGS, help="language (default: the terminal's)")


def run(args: argparse.Namespace) -> int:
    """0: well; 1: a layer is wrong."""
    report = doctor.examine(look(args.config), doctor.built_in("net"))
    text = json.dumps(doctor.to_json(report), ensure_ascii=False) if args.json else ""
    sys.stdout.write((text or show.net(report, language(args.lang, os.environ))) + "\n")
    return UNWELL if report.roots else WELL
