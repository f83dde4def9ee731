"""A station as a process, the commands of its keeper, and one unit: as a workshop has them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from edge import config
from edge.clock import SystemClock
from edge.sim import remote, terms
from tests.whole.conftest import until
from tests.whole.flat import free_port

JSON = dict[str, Any]


class Workshop:
    """A station as a process, the commands of its keeper, and one unit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.page = free_port()  # the installer's
        self._ports = {name: free_port() for name in ("mqtt", "frames", "enrol", "page")}
        self._open: list[subprocess.Popen[bytes]] = []
        ports = [word for name, port in self._ports.items() for word in (f"--{name}-port", str(port))]
        self.dir = ("--dir", str(folder / "station"))
        station = self.start("station", "--json", *self.dir, *ports, name="station")
        assert station.stdout is not None
        self.told = json.loads(station.stdout.readline())

    def close(self) -> None:
        while self._open:
            self.end(self._open.pop())

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

    def settings(self, boot_file: Path, *, in_term: bool = True, **more: JSON) -> Path:
        """The unit's settings; `more`: sections, each over what stands here."""
        path = self.folder / "doorunit.toml"
        sections: dict[str, JSON] = {
            "unit": {"state_dir": str(self.folder / "state"), "enrol_file": str(boot_file)},
            "uplink": {
                "port": self.told["mqtt"],
                "frames_url": f"https://localhost:{self.told['frames']}",
                "backoff_max_s": 1,
            },
            "camera": {"enabled": False},
            "install": {"port": self.page},
        }
        for section, values in more.items():
            sections[section] = {**sections.get(section, {}), **values}
        config.parse(sections)
        lines = []
        for section, values in sections.items():
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        path.write_text("\n".join(lines), encoding="utf-8")
        if in_term and not (self.folder / "state" / terms.NAME).exists():
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
