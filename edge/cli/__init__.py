"""The command line: one verb a file. Exit 0 well, 1 unwell, 2 misused; a misuse ends in what to try."""

import argparse
import importlib
import json
import logging
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from edge import VERSION
from edge.errors import ConfigError, DoorunitError

WELL, UNWELL, MISUSED = 0, 1, 2
VERBS = {  # verb: what it is for; its file is edge/cli/<verb>.py and is loaded only when it is used
    "run": "watch the door: the unit's agent",
    "enrol": "give this unit its identity, by the station's file on the boot partition",
    "station": "receive: broker, receiver and live page for one neighbourhood; enrol units",
    "demo": "a station and a simulated unit whose door you open from the page",
    "erase": "erase what this unit holds: records, pictures, its term",
    "handover": "erase, and make this unit ready for another flat",
    "config": "check, explain or print settings",
    "status": "how this unit is: one verdict, then what matters",
    "doctor": "what is wrong with this unit, and what to do",
    "net": "the way to the platform, layer by layer",
    "explain": "what a warning means; without a code, all of them",
    "why": "the life of one opening, step by step, and what delayed it",
    "watch": "a live screen: door, camera, what waits, link, clock, heat",
    "events": "what happened lately, and whether the platform holds it",
    "spool": "what waits for the platform: ls, show, export",
    "test": "send a test record and wait for the platform's receipt",
    "mark": "put a note among the records, with your name",
    "bundle": "what somebody elsewhere needs to help, in one archive without secrets",
    "log": "what the unit wrote to its journal",
    "identify": "have this unit blink and beep",
    "simulate": "move the door of a simulated unit",
    "wire": "the wire described, for platforms; and a platform tried out",
    "snap": "fetch the camera's last picture, sealed, within the term",
}
_LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _misused(self.prog, message, "arguments as in --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if not words or words[0] in ("-h", "--help"):
            sys.stdout.write(_help())
            return WELL if words else MISUSED
        if words[0] == "--version":
            sys.stdout.write(f"doorunit {VERSION}\n")
            return WELL
        if words[0] not in VERBS:
            raise _misused("doorunit", words[0], "one of " + ", ".join(VERBS))
        verb = importlib.import_module(f"edge.cli.{words[0]}")
        return _run(verb, words[0], words[1:])
    except ConfigError as err:
        return _tell(err, MISUSED, as_json="--json" in words)
    except DoorunitError as err:
        return _tell(err, UNWELL, as_json="--json" in words)


def log_to_stderr(level: str) -> None:
    """Write the log where systemd's journal, or the terminal, reads it."""
    logging.basicConfig(level=level.upper(), format=_LINE, stream=sys.stderr)


def told(err: DoorunitError) -> dict[str, str]:
    """An error as every verb's --json tells it."""
    return {name: getattr(err, name) for name in ("what", "where", "found", "wanted", "remedy")}


def broker_at(address: str, wanted: str, remedy: str) -> tuple[str, int, bool]:
    """Host and port of --broker, and whether it is mqtts; mqtt is taken for this machine alone. Raises ConfigError."""
    from urllib.parse import urlsplit

    from edge.declare import is_loopback

    try:
        parts = urlsplit(address)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:  # an address in brackets that is none, a port that is no number
        scheme, host, port = "", "", None
    if not host or not (scheme == "mqtts" or (scheme == "mqtt" and is_loopback(host))):
        raise ConfigError("--broker", found=address or "nothing", wanted=wanted, remedy=remedy)
    return host, port or (8883 if scheme == "mqtts" else 1883), scheme == "mqtts"


def _run(verb: ModuleType, name: str, words: list[str]) -> int:
    parser = _Parser(prog=f"doorunit {name}", description=verb.__doc__, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    verb.declare(parser)
    try:
        return int(verb.run(parser.parse_intermixed_args(words)))  # an option may stand before a name
    except SystemExit as end:  # argparse ends so after --help
        return int(end.code or 0)


def _misused(command: str, found: str, wanted: str) -> ConfigError:
    return ConfigError(command, found=found, wanted=wanted, remedy=f"Try: {command} --help")


def _tell(err: DoorunitError, code: int, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"error": told(err)}, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(f"doorunit: {err}\n")
    return code


def _help() -> str:
    lines = ["usage: doorunit VERB [options]", "", "The firmware of a door unit, and the station that receives it.", ""]
    lines += [f"  {verb:<10} {what}" for verb, what in VERBS.items()]
    return "\n".join([*lines, "", "doorunit VERB --help tells more; every verb has --json.", ""])
