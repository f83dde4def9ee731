"""doorunit-update: bring this unit another version of its program, signed, and back again where it proves no good.

status            which version runs, from where, and how the last update ended
check             ask the station's channel; download and install what it offers (a timer does this)
install FILE      install a package from a stick or a copy; its signed .json lies beside it
back              go back to the former version; the one that runs is not tried again
judge             look once whether the version on trial has proved itself (a timer does this)

Exit 0: well. 1: unwell, or refused. 2: misused. Updates from the channel end with [update] enabled = false.
"""

import argparse
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from deploy.ota import fetch
from deploy.ota.manifest import MANIFEST_MAX, Refusal
from deploy.ota.state import OWN
from deploy.ota.updater import Updater, parts

WELL, UNWELL, MISUSED = 0, 1, 2
LOCK_S = 60


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"doorunit-update: {message}\nTry: doorunit-update --help\n")
        raise SystemExit(MISUSED)


def main(argv: Sequence[str] | None = None, updater: Updater | None = None) -> int:
    """Run one verb."""
    try:
        args = _parser().parse_args(argv)
    except SystemExit as end:  # argparse ends so, also after --help
        return int(end.code or 0)
    try:
        return VERBS[args.verb](args, updater or parts())
    except fetch.Later as why:
        sys.stdout.write(f"later: {why}\n")
        return WELL
    except Refusal as err:
        sys.stderr.write(f"doorunit-update: {err}\n")
    except OSError as err:
        sys.stderr.write(f"doorunit-update: {err.filename or 'the card'}: {err.strerror or err}\n")
    return UNWELL


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "doorunit-update", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    verbs.add_parser("status", allow_abbrev=False).add_argument("--json", action="store_true")
    verbs.add_parser("check")
    install = verbs.add_parser("install")
    install.add_argument("file", type=Path, help="the package, NAME.deb; NAME.json lies beside it")
    for verb in ("back", "judge", "boot", "own"):  # the last two are for services and for the package's scripts
        verbs.add_parser(verb)
    return parser


def _status(args: argparse.Namespace, updater: Updater) -> int:
    told = updater.status()
    if args.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        runs = "the package's own" if told["slot"] == OWN else f"slot {told['slot']}"
        lines = [f"runs {told['version'] or 'an unnamed version'} ({runs})"]
        lines += [f"on trial since the switch from {told['former']}: {told['trial']}"] if told["trial"] else []
        if last := told["last"]:
            why = f": {last['why']}" if last["why"] else ""
            lines.append(f"the last update, to {last['version']}, was {last['what']}{why}")
        lines.append(f"updates from the channel {told['channel']}: {'on' if told['enabled'] else 'off'}")
        lines += [] if told["keys"] else ["no release key: no update is taken"]
        sys.stdout.write("\n".join(lines) + "\n")
    return UNWELL if told["returned"] else WELL


def _check(_args: argparse.Namespace, updater: Updater) -> int:
    with _alone(updater.slots.root):
        _say(updater.check())
    return WELL


def _install(args: argparse.Namespace, updater: Updater) -> int:
    package, beside = args.file, args.file.with_suffix(".json")
    if package.suffix != ".deb":
        sys.stderr.write(f"doorunit-update: found {package}; want NAME.deb\nTry: doorunit-update --help\n")
        return MISUSED
    with beside.open("rb") as file:
        raw = file.read(MANIFEST_MAX + 1)
    with _alone(updater.slots.root):
        _say(updater.install(package, raw))
    return WELL


def _back(_args: argparse.Namespace, updater: Updater) -> int:
    with _alone(updater.slots.root):
        _say(updater.back())
    return WELL


def _judge(_args: argparse.Namespace, updater: Updater) -> int:
    with _alone(updater.slots.root):
        verdict, why = updater.judge()
    _say(f"{verdict}: {why}")
    return UNWELL if verdict == "bad" else WELL


def _boot(_args: argparse.Namespace, updater: Updater) -> int:
    with _alone(updater.slots.root):
        updater.boot()
    return WELL


def _own(_args: argparse.Namespace, updater: Updater) -> int:
    with _alone(updater.slots.root):
        updater.slots.own()
        updater.end_trial()
    return WELL


VERBS: dict[str, Callable[[argparse.Namespace, Updater], int]] = {
    "status": _status,
    "check": _check,
    "install": _install,
    "back": _back,
    "judge": _judge,
    "boot": _boot,
    "own": _own,
}


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One change at a time; who comes second waits a minute. Raises OSError, Refusal."""
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for _ in range(LOCK_S):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(1)
        else:
            raise Refusal(f"{root}", "another doorunit-update at work", "one at a time")
        yield
    finally:
        os.close(handle)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
