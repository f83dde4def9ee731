"""Plays inputs against one target: real messages bent by Hypothesis, bytes that Atheris steers by coverage, old finds.

An input is bytes and stands for itself: what failed once fails again when it is played alone. Atheris is imported
only where it is asked for: it has no wheel for some machines, and its loop never returns.
"""

import hashlib
import logging
import os
import random
import re
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.bend import Pick

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
OUT = ROOT / "tests/out/fuzz"
# Each target's module. Not imported here: under Atheris that must happen while imports are instrumented.
MODULES = {
    "config": "tomls",
    "commands": "commands",
    "orders": "orders",
    "receipts": "receipts",
    "wire": "wires",
    "seal": "seals",
    "posts": "posts",
    "page": "pages",
    "receiver": "intake",
    "identity": "identities",
}
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


class Input(bytes):
    """An input that Hypothesis does not write out: Found.report does."""

    def __repr__(self) -> str:
        return f"{len(self)} bytes"


@cache
def _below(number: int) -> st.SearchStrategy[int]:
    return st.integers(0, number - 1)


@st.composite
def cases(draw: st.DrawFn, one: Target) -> Input:
    """A real message, bent up to four times."""

    def pick(some: Sequence[Any]) -> Any:
        return some[draw(_below(len(some)))]  # sampled_from made anew at each draw costs five times as much

    data = pick(one.seeds)
    for _ in range(pick((1, 1, 1, 2, 2, 4, 0))):
        data = one.bend(data, pick)
    return Input(data)


class Found(Exception):
    """An input broke a promise; `__cause__` says which."""

    def __init__(self, target: str, data: bytes) -> None:
        super().__init__(target)
        self.target = target
        self.data = data

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
        command = f".venv/bin/python tests/fuzz/fuzz.py --target {self.target} --play {told}"
        return f"{trace}{self.target}: input {shown}, {len(self.data)} bytes, broke a promise\nagain: {command}\n"


class Slow(Found):
    """An input took longer than SLOW_S."""


class Player:
    """Plays inputs, counts them and times them; a find leaves it with a fresh target."""

    def __init__(self, target: Target) -> None:
        self._target = target
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
            self._closing.close()
            self._play = self._open()
            raise Found(self._target.name, data) from err
        took_s = time.process_time() - begun_s
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > SLOW_S:
            raise Slow(self._target.name, data) from TimeoutError(f"it took {took_s:.1f} s; want {SLOW_S} s at most")

    def folder(self, name: str) -> Path:
        """A new folder that goes when this player is closed; in RAM, for what syncs to a disk would only wait."""
        made = Path(self._folder.name) / name
        made.mkdir()
        return made

    def close(self) -> None:
        """Let the target go; safe to repeat."""
        self._closing.close()
        self._folder.cleanup()

    def _open(self) -> Play:
        self._lives += 1
        return self._closing.enter_context(self._target.opened(self.folder(str(self._lives))))


def target(name: str) -> Target:
    """The target of that name."""
    found: Target = import_module(f"tests.fuzz.{MODULES[name]}").TARGET
    return found


def kept(name: str) -> list[bytes]:
    """Inputs that failed once, in tests/fuzz/corpus."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def said(err: Any) -> str:
    """What an error of ours says: all of its four pieces, and text that can be written out."""
    assert all((err.what, err.found, err.wanted, err.remedy)), err.args
    str(err).encode()
    return str(err)


def quiet() -> None:
    """What the product would write to its journal is not read here, and writing costs more than most inputs."""
    logging.disable(logging.CRITICAL)


def each(one: Target, inputs: Iterable[bytes]) -> Player:
    """Play these, each against a fresh target. Raises Found."""
    player = Player(one)
    try:
        for data in inputs:
            player(data)
    finally:
        player.close()
    return player


def by_hypothesis(one: Target, inputs: int, seed_: int) -> Player:
    """Play that many cases, after those that failed once. Raises Found, with the smallest input that fails."""
    for data in kept(one.name):
        each(one, [data])
    player = Player(one)
    slow: list[Found] = []

    @seed(seed_)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
    )
    @given(cases(one))
    def play(data: bytes) -> None:
        if slow:
            return
        try:
            player(data)
        except Slow as found:  # to make it smaller would take for ever
            slow.append(found)

    try:
        play()
    finally:
        player.close()
    if slow:
        raise slow[0]
    return player


def by_atheris(name: str, inputs: int, seed_: int, ended: Callable[[Player], None]) -> None:
    """Play that many byte strings; `ended`, or the report of a find, is the last that this process does."""
    import atheris  # not everywhere

    with atheris.instrument_imports(include=["edge", "tomllib"]):
        one = target(name)
    player = Player(one)
    folder = player.folder("seeds")
    for number, data in enumerate([*one.seeds, *kept(name)]):
        (folder / str(number)).write_bytes(data)
    words = folder.with_suffix(".dict")
    words.write_text("\n".join(_words(one.seeds)), encoding="ascii")

    def play(data: bytes) -> None:
        code = 0
        try:
            player(data)
        except Found as found:
            print(found.report(), flush=True)
            code = 1
        if code or player.played >= inputs:
            player.close()
            if not code:
                ended(player)
            os._exit(code)

    def bend(data: bytes, longest: int, number: int) -> bytes:
        """libFuzzer asks: most are bent as real messages, some as bytes."""
        dice = random.Random(number)
        return one.bend(data, dice.choice)[:longest] if number % 4 else bytes(atheris.Mutate(data, longest))

    options = [
        f"-seed={seed_}",
        f"-max_len={one.longest}",
        f"-dict={words}",
        "-rss_limit_mb=0",
        "-len_control=0",
        "-reduce_inputs=0",
    ]
    atheris.Setup(["fuzz", *options, str(folder)], play, custom_mutator=bend)
    atheris.Fuzz()


def _words(seeds: Iterable[bytes]) -> list[str]:
    """Words of real messages, as libFuzzer reads its dictionary."""
    words = {word for data in seeds for word in re.findall(rb"\"[a-z_]{2,20}\"|[A-Za-z_]{3,20}|\d{2,}", data[:4096])}
    return ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in sorted(words)[:400]]
