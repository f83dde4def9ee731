"""A simulated unit as a process of its own, with a door to move, a network to cut and a plug to pull."""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from edge.errors import ConfigError
from edge.sim import remote, waves
from edge.sim.cutlink import CutLink

START_S = 10  # how long a unit may take until its door can be moved
STOP_S = 8


class Bench:
    """station.pageapi.Bench over `doorunit run --simulate`. Lives in the station's asyncio loop."""

    def __init__(self, unit: str, folder: Path, mqtt: CutLink, frames: CutLink) -> None:
        self._unit = unit
        self._folder = folder
        self._links = (mqtt, frames)
        self._door = "shut"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        """The unit's settings file; written before `power(True)`."""
        return self._folder / "doorunit.toml"

    def state(self) -> dict[str, Any]:
        """What the page shows."""
        return {
            "unit": self._unit,
            "door": self._door,
            "network": all(link.joined for link in self._links),
            "power": self._process is not None and self._process.poll() is None,
            "waves": [name for name in waves.NAMES if name != "stuck"],
        }

    async def act(self, what: str, wish: dict[str, Any]) -> None:
        """Door {"to", "wave"}, network {"on"}, power {"on"}. Raises ConfigError, LinkError."""
        if what == "door" and wish.get("to") in ("open", "shut"):
            await self.move(str(wish["to"]), str(wish.get("wave", "clean")))
        elif what == "network" and isinstance(wish.get("on"), bool):
            await self.network(wish["on"])
        elif what == "power" and isinstance(wish.get("on"), bool):
            await self.power(wish["on"])
        else:
            raise ConfigError(
                f"bench {what}",
                found=wish,
                wanted='door {"to": "open"}, network {"on": true} or power {"on": true}',
                remedy="See the page's own requests.",
            )

    async def move(self, to: str, wave: str) -> None:
        """Open or shut the door, also while the unit is off: it will find it so when it starts."""
        if wave not in waves.NAMES:
            raise ConfigError("waveform", found=wave, wanted="one of " + ", ".join(waves.NAMES), remedy="Choose one.")
        if self.state()["power"]:
            answer = await asyncio.to_thread(remote.move, self._folder / "state" / remote.NAME, to, wave)
            self._door = answer["door"]
        else:
            self._door = to

    async def network(self, on: bool) -> None:
        """Join or cut both of the unit's links."""
        for link in self._links:
            await (link.join() if on else link.cut())

    async def power(self, on: bool) -> None:
        """Start the unit, or end it as a power cut would: kill -9."""
        running = self.state()["power"]
        if on and not running:
            await asyncio.to_thread(self._start)
        elif not on and self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def close(self) -> None:
        """End the unit in order; safe to repeat."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        for link in self._links:
            await link.cut()

    def _start(self) -> None:
        socket = self._folder / "state" / remote.NAME
        socket.unlink(missing_ok=True)
        with (self._folder / "unit.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell, no words from outside
                [
                    sys.executable,
                    "-m",
                    "edge.cli",
                    "run",
                    "--simulate",
                    "--config",
                    str(self.config),
                    "--door",
                    self._door,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal reaches the station, which ends the unit in order
            )
        _await(socket, self._process)


def _await(path: Path, process: "subprocess.Popen[bytes]") -> None:
    """Until `path` is there; a unit that ended instead says why in its log."""
    for _ in range(START_S * 50):
        if path.exists():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            break
    raise ConfigError(
        "simulated unit",
        found="it ended or does not listen",
        wanted="a running unit",
        remedy=f"Its last words are in {path.parent.parent / 'unit.log'}.",
    )
