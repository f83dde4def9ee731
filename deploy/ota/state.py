"""What the updater remembers, in one file that is replaced whole: so every step of an update is there or is not."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy.ota.durable import Card

SCHEMA = 1
STATE = "state.json"
STATE_MAX = 262_144
BAD_KEPT = 20
TOLD_KEPT = 8
OWN = ""  # the name of no slot: the package's own files


@dataclass(frozen=True)
class Trial:
    """A version that has yet to prove itself. verdict: why it goes back, once that is decided; "" before."""

    slot: str
    former: str
    sha256: str
    version: str
    counter: int
    floor: int
    keys: tuple[str, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)  # how the unit was just before: see look.py
    boots: int = 0  # of the machine, since it last ran steadily
    verdict: str = ""


@dataclass(frozen=True)
class Told:
    """How a trial ended, for the agent, which reports it once. number: never used twice."""

    number: int
    what: str  # confirmed or returned
    version: str
    former: str  # the version that ran before
    why: str
    at: int  # UTC s by the machine's clock


@dataclass(frozen=True)
class State:
    """All of it. Nothing is ever taken that is below `floor`; `bad` are packages' digests."""

    floor: int = 0
    bad: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()  # of the last confirmed manifest that brought any
    keys_counter: int = 0
    trial: Trial | None = None
    told: tuple[Told, ...] = ()  # the newest last: the agent may be late to read it

    @property
    def last(self) -> Told | None:
        """How the last trial ended."""
        return self.told[-1] if self.told else None

    def with_told(self, what: str, version: str, former: str, why: str, now_s: int) -> "State":
        """A trial has ended so."""
        number = self.told[-1].number + 1 if self.told else 1
        return replace(self, told=(*self.told, Told(number, what, version, former, why, now_s))[-TOLD_KEPT:])

    def with_bad(self, digest: str) -> "State":
        """This package is not tried again."""
        kept = [one for one in self.bad if one != digest]
        return replace(self, bad=(*kept, digest)[-BAD_KEPT:])


def load(root: Path) -> State:
    """What is on the card; a fresh state where nothing can be read, which is as strict as the package's own floor."""
    try:
        raw = (root / STATE).read_bytes()[:STATE_MAX]
        kept = json.loads(raw)
        trial = kept.get("trial")
        return State(
            floor=int(kept["floor"]),
            bad=tuple(map(str, kept["bad"])),
            keys=tuple(map(str, kept["keys"])),
            keys_counter=int(kept["keys_counter"]),
            trial=Trial(**{**trial, "keys": tuple(trial["keys"])}) if trial else None,
            told=tuple(Told(**one) for one in kept.get("told", ())),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return State()


def save(root: Path, state: State, card: Card) -> None:
    """Return once it is on the card. Raises OSError."""
    card.write(root / STATE, json.dumps({"schema": SCHEMA, **asdict(state)}, indent=1).encode() + b"\n")
