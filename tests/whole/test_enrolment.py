"""From the workshop's batch to a unit that is heard, taken back and given a new card: every step as people do it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import config
from edge.clock import SystemClock
from edge.onsite import bootfile
from edge.sim import remote, terms
from tests.whole.conftest import until
from tests.whole.flat import free_port

JSON = dict[str, Any]


class Workshop:
    """A station as a process, the commands of its keeper, and one unit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = {name: free_port() for name in ("mqtt", "frames", "enrol", "page")}
        self._open: list[subprocess.Popen[bytes]] = []
        ports = [word for name, port in self._ports.items() for word in (f"--{name}-port", str(port))]
        self.dir = ("--dir", str(folder / "station"))
        station = self.start("station", "--json", *self.dir, *ports, name="station")
        assert station.stdout is not None
        self.told = json.loads(station.stdout.readline())

    def close(self) -> None:
        for process in reversed(self._open):
            self.end(process)

    def start(self, *words: str, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "edge.cli", *words]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._open.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log))
        return self._open[-1]

    def end(self, process: subprocess.Popen[bytes]) -> int:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
        return code

    def desk(self, *words: str) -> JSON:
        """`doorunit station ...`, run to its end."""
        command = [sys.executable, "-m", "edge.cli", "station", *words, *self.dir, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def cards(self, *words: str, out: str) -> Path:
        """Have cards written; their folder."""
        where = ("--out", str(self.folder / out), "--name", "localhost", "--enrol-port", str(self.told["enrol"]))
        self.desk(*words, *where)
        return self.folder / out

    def settings(self, boot_file: Path) -> Path:
        path = self.folder / "doorunit.toml"
        sections: dict[str, JSON] = {
            "unit": {"state_dir": str(self.folder / "state"), "enrol_file": str(boot_file)},
            "uplink": {
                "port": self.told["mqtt"],
                "frames_url": f"https://localhost:{self.told['frames']}",
                "backoff_max_s": 1,
            },
            "camera": {"enabled": False},
        }
        config.parse(sections)
        lines = []
        for section, values in sections.items():
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        path.write_text("\n".join(lines), encoding="utf-8")
        if not (self.folder / "state" / terms.NAME).exists():
            terms.preset(self.folder / "state", SystemClock().read().wall_ns)
        return path

    def run(self, settings: Path) -> subprocess.Popen[bytes]:
        """The unit, until its door can be moved."""
        (self.folder / "state" / remote.NAME).unlink(missing_ok=True)
        unit = self.start("run", "--simulate", "--config", str(settings), name="unit")
        until((self.folder / "state" / remote.NAME).exists)
        return unit

    def log(self) -> str:
        return (self.folder / "unit.log").read_text()

    def states(self) -> dict[str, str]:
        return {one["unit"]: one["state"] for one in self.desk("units")["units"]}


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    opened = Workshop(tmp_path)
    yield opened
    opened.close()


def test_a_unit_enrols_as_it_starts_is_revoked_and_comes_back_with_a_new_card(workshop: Workshop):
    cards = workshop.cards("batch", "2", out="cards")
    assert (cards / "labels.pdf").read_bytes().startswith(b"%PDF-")
    boot_file = cards / "door-1" / bootfile.NAME
    unit = workshop.run(workshop.settings(boot_file))
    until(lambda: "link up" in workshop.log())
    assert bootfile.read(boot_file).token is None
    assert workshop.states() == {"door-1": "enrolled", "door-2": "card"}

    assert workshop.desk("revoke", "door-1")["certificates"] == 1
    assert workshop.states()["door-1"] == "revoked"
    until(lambda: "link.denied" in workshop.log() or _moved(workshop))
    assert workshop.end(unit) == 0
    unit = workshop.run(workshop.settings(boot_file))
    until(lambda: "link.refused" in workshop.log())
    assert workshop.end(unit) == 0

    again = workshop.cards("reissue", "door-1", out="again") / "door-1" / bootfile.NAME
    workshop.run(workshop.settings(again))
    until(lambda: workshop.log().count("link up") == 2)
    assert workshop.states()["door-1"] == "enrolled"


def test_a_unit_that_waits_for_its_station_ends_when_it_is_told_to(workshop: Workshop):
    boot_file = workshop.cards("batch", "1", out="cards") / "door-1" / bootfile.NAME
    boot_file.write_text(boot_file.read_text().replace(f":{workshop.told['enrol']}", f":{free_port()}"))
    unit = workshop.start("run", "--simulate", "--config", str(workshop.settings(boot_file)), name="unit")
    until(lambda: "link.server" in workshop.log())
    assert workshop.end(unit) == 0
    assert bootfile.read(boot_file).token is not None


def _moved(workshop: Workshop) -> bool:
    """Open and shut the door, so that the unit says something."""
    for to in ("open", "shut"):
        remote.move(workshop.folder / "state" / remote.NAME, to)
    return False


def test_a_unit_without_a_token_waits_until_a_person_accepts_its_code(workshop: Workshop):
    boot_file = workshop.cards("batch", "1", out="cards") / "door-1" / bootfile.NAME
    bootfile.erase_token(boot_file)
    settings = str(workshop.settings(boot_file))
    waiting = workshop.start("enrol", "--config", settings, "--boot-file", str(boot_file), "--json", name="unit")
    until(lambda: "enrol.pending" in workshop.log())
    (one,) = (one for one in workshop.desk("units")["units"] if one["state"] == "pending")
    assert f"doorunit station accept {one['code']}" in workshop.log()
    assert workshop.desk("accept", one["code"].lower(), "--unit", "door-9") == {"unit": "door-9"}
    assert waiting.stdout is not None
    assert json.loads(waiting.stdout.readline()) == {"unit": "door-9", "enrolled": True, "code": one["code"]}
    assert waiting.wait(20) == 0
    assert workshop.states()["door-9"] == "enrolled"
