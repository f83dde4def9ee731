"""How this unit is: one verdict, then what matters. Also with the agent dead, no network, a read-only card."""

import argparse
import json
import os
import sys
from pathlib import Path

from edge.cli import UNWELL, WELL
from edge.cli.run import CONFIG
from edge.onsite import doctor, show
from edge.onsite.scene import look, unit_name
from edge.onsite.words import LANGS, language

SCHEMA = 1
CHECKS = ("service", "identity", "board", "card", "spool", "clock", "door")
ASK_S, CHECKS_S = 0.4, 2.0  # at most; on a quiet machine all of it takes a tenth of a second


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit status` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--lang", choices=LANGS, help="language (default: the terminal's)")


def run(args: argparse.Namespace) -> int:
    """0: well; 1: something is wrong, or the agent does not run."""
    scene = look(args.config, quick=True, deadline_s=ASK_S)
    report = doctor.examine(scene, doctor.built_in(*CHECKS), deadline_s=CHECKS_S)
    unit = unit_name(scene)
    if args.json:
        told = {"schema": SCHEMA, "unit": unit, **doctor.to_json(report), "agent": scene.agent}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(show.status(report, scene, unit, language(args.lang, os.environ)) + "\n")
    return UNWELL if report.roots or scene.agent is None else WELL
