"""Plays a target's inputs: old finds, real messages bent by Hypothesis, and what Atheris steers by coverage.

Atheris is imported only where it is asked for: it has no wheel for some machines, and its loop never returns.
"""

import logging
import os
import random
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.player import Found, Player, Slow, Target

CORPUS = Path(__file__).parent / "corpus"
BENT = (1, 1, 1, 2, 2, 4, 0)  # how often a real message is bent
# Each target's module. Not imported here: under Atheris that must happen while imports are instrumented.
MODULES = {
    "config": "tomls",
    "commands": "commands",
    "orders": "orders",
    "receipts": "receipts",
    "hubs": "hubs",
    "wire": "wires",
    "seal": "seals",
    "posts": "posts",
    "handed": "handed",
    "page": "pages",
    "receiver": "intake",
    "identity": "identities",
    "sip": "sips",
    "manscdp": "xmls",
    "sdp": "sdps",
    "manifest": "manifests",
    "package": "packages",
}


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
    for _ in range(pick(BENT)):
        data = one.bend(data, pick)
    return Input(data)


def target(name: str) -> Target:
    """The target of that name."""
    found: Target = import_module(f"tests.fuzz.{MODULES[name]}").TARGET
    return found


def kept(name: str) -> list[bytes]:
    """Inputs that failed once, in tests/fuzz/corpus."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def quiet() -> None:
    """What the product would write to its journal is not read here, and writing costs more than most inputs."""
    logging.disable(logging.CRITICAL)


def each(one: Target, inputs: Iterable[bytes]) -> None:
    """Play these, each against a fresh target. Raises Found."""
    for data in inputs:
        with closing(Player(one)) as player:
            player(data)


def by_hypothesis(one: Target, inputs: int, seed_: int) -> Player:
    """Play that many cases, after those that failed once. Raises Found, with the smallest input that fails."""
    each(one, kept(one.name))
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

    with closing(player):
        play()
    if slow:
        raise slow[0]
    return player


def by_dice(one: Target, inputs: int, seed_: int) -> Player:
    """Play that many, bent by chance alone: where there is no Atheris. Raises Found."""
    dice = random.Random(seed_)
    with closing(Player(one)) as player:
        for _ in range(inputs):
            data = dice.choice(one.seeds)
            for _ in range(dice.choice(BENT)):
                data = one.bend(data, dice.choice)
            player(data)
    return player


def by_atheris(name: str, inputs: int, seed_: int, ended: Callable[[Player], None]) -> None:
    """Play that many byte strings; `ended`, or the report of a find, is the last that this process does."""
    import atheris  # not everywhere

    with atheris.instrument_imports(include=["edge", "deploy", "tomllib", "tarfile"]):
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
