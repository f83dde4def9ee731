"""What a check is, and what it finds. A check is one small file: its name and titles, and one function.

    CHECK = Check("heat", {"heat": ("Heat", "温度")}, run, tells={"heat": "heat"})

`run` is given a Scene and yields a Found for each thing it looked at; it may be cut off at its deadline, and what it
raises counts as skipped. What the running agent already knows is not looked for again: a warning whose code begins
with a key of `tells` is put beside what `run` yields, under that name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from edge.config import Config
from edge.errors import ConfigError, LinkError
from edge.onsite.probes import Probes
from edge.parts import HTTPS
from edge.warnings import Row

State = Literal["well", "soon", "wrong", "skipped"]  # soon: wrong, and within the time in which it may mend itself


class Cure(msgspec.Struct, frozen=True):
    """Something safe that `--fix` does. `act` says what it did. Raises PartError."""

    en: str
    zh: str
    act: Callable[[], str]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `code` names the row of what is wrong; `found` and `wanted` are short."""

    name: str
    state: State
    found: str
    wanted: str = ""
    code: str = ""
    ms: float | None = None  # how long the answer took, where that says something
    for_s: float | None = None
    cure: Cure | None = None
    zh: str = ""  # `found` in Chinese, where it has words


class Scene(msgspec.Struct, frozen=True):
    """All that a check may look at. `agent`: the running unit's own answer; None: `silence` says why there is none."""

    config: Config
    config_error: ConfigError | None
    agent: Mapping[str, Any] | None
    silence: LinkError | None
    probes: Probes

    @property
    def by_https(self) -> bool:
        """Whether the running unit is up by HTTPS, instead of MQTT."""
        return self.agent is not None and bool(self.agent["link_up"]) and self.pulse("link") == HTTPS

    def pulse(self, name: str) -> Any:
        """A number of the agent's pulse; None where it has none, or is dead."""
        return None if self.agent is None else self.agent["pulse"].get(name)


class Check(msgspec.Struct, frozen=True):
    """`titles`: English and Chinese of each name that `run` yields. `rows`: of a plug-in's own codes."""

    name: str
    titles: Mapping[str, tuple[str, str]]
    run: Callable[[Scene], Iterator[Found]]
    tells: Mapping[str, str] = {}
    deadline_s: float = 2.0
    rows: tuple[Row, ...] = ()


def well(name: str, found: object, wanted: str = "", ms: float | None = None, zh: str = "") -> Found:
    """It is as it should be."""
    return Found(name=name, state="well", found=str(found), wanted=wanted, ms=ms, zh=zh)


def wrong(code: str, name: str, found: object, wanted: str, cure: Cure | None = None, zh: str = "") -> Found:
    """It is not."""
    return Found(name=name, state="wrong", found=str(found), wanted=wanted, code=code, cure=cure, zh=zh)


def skipped(name: str, why: object) -> Found:
    """It could not be looked at, which is no fault of it."""
    return Found(name=name, state="skipped", found=str(why))
