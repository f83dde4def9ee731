"""What is wrong with this unit, and what to do: every check, and of all that is wrong only the cause. Read-only."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from edge.cli import UNWELL, WELL
from edge.cli.run import CONFIG
from edge.onsite import doctor, show
from edge.onsite.doctor import Report
from edge.onsite.scene import look, plug_ins
from edge.onsite.words import LANGS, WORDS, language

EVERY_S = 5


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what `doorunit doctor` takes."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--lang", choices=LANGS, help="language (default: the terminal's)")
    parser.add_argument("--all", action="store_true", help="what is well and what was skipped, line by line")
    parser.add_argument(
        "--fix", action="store_true", help="do the safe cures: close the keys to others, remove half-written files"
    )
    parser.add_argument("--listen", action="store_true", help=f"look every {EVERY_S} s and tell changes, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """0: well; 1: something is wrong."""
    lang = language(args.lang, os.environ)
    report = _examine(args)
    fixed = doctor.mend(report) if args.fix else []
    if fixed:
        report = _examine(args)
    if args.json:
        _write(json.dumps({**doctor.to_json(report), "fixed": fixed}, ensure_ascii=False))
    else:
        _write("\n".join([*fixed, show.doctor(report, lang, everything=args.all)]))
    if args.listen:
        report = _listen(args, report, lang)
    return UNWELL if report.roots else WELL


def _examine(args: argparse.Namespace) -> Report:
    return doctor.examine(look(args.config), (*doctor.built_in(), *plug_ins()))


def _listen(args: argparse.Namespace, report: Report, lang: str) -> Report:
    try:
        while True:
            time.sleep(EVERY_S)  # clock: a person watches
            after = _examine(args)
            changes = show.changes(report, after, lang)
            if changes and args.json:
                _write(json.dumps(doctor.to_json(after), ensure_ascii=False))
            elif changes:
                stamp = time.strftime("%H:%M:%S")  # clock: beside what a person reads
                now_well = [] if after.roots else [f"{stamp}  {WORDS[lang]['now']}"]
                _write("\n".join([*(f"{stamp}  {line}" for line in changes), *now_well]))
            report = after
    except KeyboardInterrupt:
        return report


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
