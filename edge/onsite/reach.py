"""How a verb reaches the unit: its settings, its socket, and its spool where it does not run."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge import config
from edge.config import Config
from edge.errors import LinkError
from edge.onsite.ask import ask, socket_path
from edge.onsite.words import LANGS, language

CONFIG = Path("/etc/doorunit/doorunit.toml")
DEADLINE_S = 3.0

JSON = dict[str, Any]


class Reach:
    """The unit that one command line means, and the language its answer is in."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Raises ConfigError: settings that cannot be read."""
        self.config: Config = config.load(args.config)
        self.folder = Path(self.config.unit.state_dir)
        self.lang = language(args.lang, os.environ)
        self.as_json = bool(args.json)

    def ask(self, question: str, args: Mapping[str, Any] | None = None, deadline_s: float = DEADLINE_S) -> JSON:
        """The running unit's answer. Raises LinkError."""
        return ask(socket_path(self.config), question, args, deadline_s)

    def ask_or_none(self, question: str, args: Mapping[str, Any] | None = None) -> JSON | None:
        """The running unit's answer; None where there is nobody to ask. Raises LinkError: it runs, and does not say."""
        try:
            return self.ask(question, args)
        except LinkError:
            if self._runs():
                raise
            return None

    def tell(self, body: JSON, text: str) -> None:
        """The answer: as JSON of schema 1, or as text."""
        told = json.dumps({"schema": 1, **body}, ensure_ascii=False) if self.as_json else text
        sys.stdout.write(told + "\n")
        sys.stdout.flush()

    def _runs(self) -> bool:
        """Whether a program is at work on the state folder: its spool must be left alone then.

        Asked of the kernel's list, see proc_locks(5): a lock taken to find out would keep a unit from starting.
        """
        try:
            inode = self.folder.stat().st_ino
            locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        except OSError:
            return False
        return any(" FLOCK " in line and line.split()[-3].endswith(f":{inode}") for line in locks)


def declare(parser: argparse.ArgumentParser) -> None:
    """What every verb takes that reaches the unit."""
    parser.add_argument("--config", type=Path, default=CONFIG, help=f"settings (default {CONFIG})")
    parser.add_argument("--lang", choices=LANGS, help="language (default: the terminal's)")
