"""A station's desk in this process, the way to it, and units that enrol at it; the network fails as a test says."""

import random
from pathlib import Path

import msgspec

from edge.errors import LinkError
from edge.health import Health
from edge.identity import Identity
from edge.onsite import bootfile, enrol, forms
from edge.onsite.bootfile import BootFile
from edge.secret import Secret
from edge.sim.time import SimClock
from edge.station.ca import Authority
from edge.station.desk import Desk

_STATUS = {forms.Granted: 200, forms.Waiting: 202, forms.Refused: 403}


def lost() -> LinkError:
    return LinkError("station", found="the link went", wanted="a link", remedy="Wait.")


class Way:
    """enrol.Post that leads to a desk. lose: questions are lost on their way "there", or their answers "back"."""

    def __init__(self, desk: Desk) -> None:
        self.where = "station:8444"
        self.lose = ""
        self.instead: tuple[int, bytes] | None = None  # what something else answers in the station's place
        self.asked: list[forms.Asking] = []
        self._desk = desk

    def post(self, path: str, body: bytes, most_bytes: int) -> tuple[int, bytes]:
        if self.lose == "there":
            raise lost()
        if self.instead is not None:
            return self.instead
        asking = msgspec.json.decode(body, type=forms.Asking)
        self.asked.append(asking)
        renews = path.removeprefix("/v1/units/").removesuffix("/certificate")
        answer = self._desk.ask(asking, "192.0.2.7") if path == forms.ENROL else self._desk.renew(renews, asking)
        if self.lose == "back":
            raise lost()
        raw = msgspec.json.encode(answer)
        assert len(raw) <= most_bytes
        return _STATUS[type(answer)], raw


class Town:
    """One station, and folders of units."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SimClock()
        self.ca = Authority.open(folder / "ca", self.clock)
        self.desk = Desk(folder / "enrol", self.ca, self.clock)
        self.way = Way(self.desk)

    def card(self, name: str, *, token: str = "", unit: str = "door-1") -> Path:
        """A boot partition with a file for `unit`."""
        boot = BootFile(
            station="https://station:8444",
            ca=self.ca.ca_file.read_text(),
            unit=unit,
            token=Secret(token.encode()) if token else None,
            page_code=Secret(b"PAGECODE"),
            made_ns=self.clock.read().wall_ns,
        )
        path = self.folder / name / "boot" / bootfile.NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(bootfile.text(boot))
        return path

    def unit(self, boot_path: Path, state: Path | None = None) -> enrol.Enrolment:
        """A unit that has just started with this card; it has still to enrol."""
        state = state or boot_path.parent.parent / "state"
        boot = enrol.due(state, boot_path)
        assert boot is not None
        return enrol.Enrolment(boot, boot_path, state, self.way, self.clock, Health())

    def token(self, unit: str = "door-1") -> str:
        return self.desk.tokens([unit])[unit]


def until_enrolled(unit: enrol.Enrolment, clock: SimClock, tries: int = 20) -> tuple[Identity | None, list[float]]:
    """Let it ask until it is enrolled, `tries` times at most; with the pauses it made."""
    pauses: list[float] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        clock.turn(int(seconds * 1e9))
        return len(pauses) >= tries

    return unit.run(wait, random.Random(1)), pauses


def warned(unit: enrol.Enrolment) -> set[str]:
    """What the unit says is wrong, grace or not."""
    codes = ("clock.floor", "enrol.pending", "enrol.refused", "enrol.token", "spool.full", "spool.failing")
    links = ("link.network", "link.server", "link.refused", "link.distrust", "link.untimed", "link.name")
    return {code for code in (*codes, *links) if unit.health.active(code)}
