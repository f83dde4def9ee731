"""A fake platform with the keys of a station's authority, and a unit that is none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.errors import WireError
from edge.identity import Identity
from edge.platform import check
from edge.platform.rows import Row
from edge.sim.platform import FakePlatform, Fault, Keys
from edge.spool.seal import verify
from edge.station.ca import Authority

UNIT = "wirecheck-1"
WITHIN_S = 10.0  # for a machine that is busy
HASTE_S = 1.0  # where something never comes
READER = "station-reader"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def who(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return authority.issue(UNIT, tmp_path_factory.mktemp("unit") / "identity")


def keys(authority: Authority) -> Keys:
    def genuine(unit: str, sealed: bytes) -> bool:
        try:
            return any(verify(sealed, key).unit == unit for key in authority.known.verify_keys(unit))
        except WireError:
            return False

    certificate, key = map(str, authority.server_files())
    return Keys(str(authority.ca_file), certificate, key, READER, genuine, authority.sign_command)


Ask = Callable[..., dict[str, Row]]


class Town:
    """Fake platforms, and the check of them."""

    def __init__(self, authority: Authority, who: Identity) -> None:
        self._authority, self._who = authority, who
        self._open: list[FakePlatform] = []

    def platform(self, *faults: Fault, speaks_5: bool = True) -> FakePlatform:
        made = FakePlatform(keys(self._authority), *faults, late_s=2 * HASTE_S, speaks_5=speaks_5)
        self._open.append(made)
        return made

    def ask(
        self, made: FakePlatform, *, https: bool = False, backlog: int = 20, within_s: float = WITHIN_S
    ) -> dict[str, Row]:
        """The rows by name."""
        frames = f"https://localhost:{made.web_port}"
        url = frames if https else f"mqtts://localhost:{made.broker.port}"
        certificate, key = map(str, self._authority.client_files(READER))
        reader = None if https else (certificate, key)
        plan = check.Plan(url, self._who, "" if https else frames, reader, within_s, backlog, listen_s=0.05)
        return {row.name: row for row in check.check(plan)}

    def close(self) -> None:
        for made in self._open:
            made.close()


@pytest.fixture
def town(authority: Authority, who: Identity) -> Iterator[Town]:
    made = Town(authority, who)
    yield made
    made.close()


def wrong(rows: dict[str, Row]) -> set[str]:
    return {name for name, row in rows.items() if row.verdict == "wrong"}


def unseen(rows: dict[str, Row]) -> set[str]:
    return {name for name, row in rows.items() if row.verdict == "unseen"}


def folder(who: Identity) -> Path:
    return who.cert_file.parent
