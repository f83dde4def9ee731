"""One target, played input by input: what a find says, and how long an input took.

An input is bytes and stands for itself: what failed once fails again when it is played alone. Nothing here imports the
product: under Atheris that is to happen while imports are instrumented.
"""

import hashlib
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz.bend import Pick

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/out/fuzz"
SLOW_S = 1.0  # processor time; no input may take longer
TRACE = 20  # the last calls before an input failed
SHOWN_BYTES = 1000  # a longer input is put into a file, for a command line has its limits
SHM = Path("/dev/shm")

Play = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """Something that reads what strangers send.

    opened(folder) gives what plays one input and raises where a promise is broken. seeds are real messages, and
    bend(message, pick) makes another of one, knowing how it is built (bend.py says what `pick` is).
    """

    name: str
    opened: Callable[[Path], AbstractContextManager[Play]]
    seeds: tuple[bytes, ...]
    bend: Callable[[bytes, Pick], bytes]
    longest: int = 4096  # bytes, of what Atheris makes


class Found(Exception):
    """An input broke a promise; `__cause__` says which. alone: without those that came before it, too."""

    def __init__(self, target: str, data: bytes, *, alone: bool = True) -> None:
        super().__init__(target)
        self.target = target
        self.data = data
        self.alone = alone

    def report(self) -> str:
        """What happened, the input, and the one command that plays it again."""
        told, shown = self.data.hex(), self.data[:SHOWN_BYTES].hex()
        if len(self.data) > SHOWN_BYTES:
            OUT.mkdir(parents=True, exist_ok=True)
            path = OUT / f"{self.target}-{len(self.data)}-{hashlib.sha256(self.data).hexdigest()[:8]}.bin"
            path.write_bytes(self.data)
            told, shown = str(path.relative_to(ROOT)), shown + "..."
        told = told or "''"
        trace = "".join(traceback.format_exception(self.__cause__, limit=-TRACE)) if self.__cause__ else ""
        after = "" if self.alone else ", after those before it in this campaign: alone it breaks none"
        what = f"{self.target}: input {shown}, {len(self.data)} bytes, broke a promise{after}"
        return f"{trace}{what}\nagain: .venv/bin/python tests/fuzz/fuzz.py --target {self.target} --play {told}\n"


class Slow(Found):
    """An input took longer than SLOW_S."""


class Player:
    """Plays inputs, counts them and times them; a find leaves it with a fresh target."""

    def __init__(self, target: Target, slow_s: float = SLOW_S) -> None:
        self._target = target
        self._slow_s = slow_s
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-", dir=SHM if SHM.is_dir() else None)
        self._closing = ExitStack()
        self._lives = 0
        self.played = 0
        self.slowest_s = 0.0
        self._play = self._open()

    def __call__(self, data: bytes) -> None:
        """Raises Found."""
        self.played += 1
        begun_s = time.process_time()
        try:
            self._play(data)
        except Exception as err:  # whatever it is: nothing is to get through
            self._open_anew()
            raise Found(self._target.name, data, alone=self._fails(data)) from err
        took_s = time.process_time() - begun_s
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > self._slow_s:
            why = TimeoutError(f"it took {took_s:.1f} s; want {self._slow_s} s at most")
            raise Slow(self._target.name, data) from why

    def folder(self, name: str) -> Path:
        """A new folder that goes when this player is closed; in RAM, for what syncs to a disk would only wait."""
        made = Path(self._folder.name) / name
        made.mkdir()
        return made

    def close(self) -> None:
        """Let the target go; safe to repeat."""
        self._closing.close()
        self._folder.cleanup()

    def _fails(self, data: bytes) -> bool:
        try:
            self._play(data)
        except Exception:  # the same again, most likely
            self._open_anew()
            return True
        return False

    def _open_anew(self) -> None:
        self._closing.close()
        self._play = self._open()

    def _open(self) -> Play:
        self._lives += 1
        return self._closing.enter_context(self._target.opened(self.folder(str(self._lives))))


def said(err: Any) -> str:
    """What an error of ours says: all of its four pieces, and text that can be written out."""
    assert all((err.what, err.found, err.wanted, err.remedy)), err.args
    str(err).encode()
    return str(err)
