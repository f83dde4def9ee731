"""One flat's unit, as a process or as a thread, a real broker, and an ear that is no part of ours."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edge import config
from edge.assemble import Assembly
from edge.clock import SystemClock
from edge.sim import remote, terms
from edge.sim.camera import Fault, SimCamera
from edge.station.broker import open_broker
from edge.station.ca import Authority
from tests.station.talker import Client
from tests.whole.conftest import until

UNIT = "door-1"
JSON = dict[str, Any]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Ear:
    """Hears everything the broker is told, and sends no receipts."""

    def __init__(self, broker: Any, ca: Authority) -> None:
        self._heard: list[tuple[str, JSON]] = []
        self._client = Client(broker, "station", files=(ca.ca_file, *ca.client_files()))
        self._client.paho.on_message = self._hear
        self._client.up("door/v1/#")

    def _hear(self, _client: object, _data: object, message: Any) -> None:
        self._heard.append((message.topic.rpartition("/")[2], json.loads(message.payload)))

    def close(self) -> None:
        self._client.close()

    def records(self, kind: str = "") -> list[JSON]:
        """Each once, in order of arrival; a record that came again is the one that was."""
        return [body["data"]["record"] for body in self._told(kind)]

    def times(self) -> list[str | None]:
        """When the door did it, as far as each record claims to know."""
        return [body.get("time") for body in self._told("event")]

    def changes(self) -> list[str]:
        """What the door did."""
        return [record["change"] for record in self.records("event")]

    def pulse(self) -> JSON:
        """The last one."""
        return next((body for leaf, body in reversed(self._heard) if leaf == "pulse"), {"camera": "", "warnings": []})

    def warnings(self) -> set[str]:
        """The codes in the last pulse."""
        return {warning["code"] for warning in self.pulse()["warnings"]}

    def _told(self, kind: str) -> list[JSON]:
        found = {body["id"]: body for leaf, body in self._heard if leaf == "event"}
        return [body for body in found.values() if not kind or body["data"]["record"]["kind"] == kind]


class Flat:
    """A unit's settings and identity in a folder, and everything that was opened for it."""

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        self.folder = folder
        self.state = state or folder / "state"
        self.ca = Authority.open(folder / "ca")
        self.ca.issue(UNIT, self.state / "identity")
        terms.preset(self.state, SystemClock().read().wall_ns)
        self.port = free_port()
        self._log = folder / "unit.log"
        # Where a card of its own may fail, the door's socket is elsewhere, as in systemd's RuntimeDirectory=.
        self._runtime = folder / "run" if state else self.state
        self._runtime.mkdir(exist_ok=True)
        self._open = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        self.stop()
        self._open.close()

    def listen(self) -> Ear:
        """Start the broker, and an ear on it."""
        broker = open_broker(self.folder / "broker", self.ca, port=self.port)
        self._open.callback(broker.close)
        ear = Ear(broker, self.ca)
        self._open.callback(ear.close)
        return ear

    def settings(self, **sections: JSON) -> JSON:
        uplink: JSON = {"port": self.port, "pulse_s": 1, "backoff_max_s": 1}
        uplink["receipt_timeout_s"] = 5  # what reaches the broker before the ear is sent again after this long
        uplink["frames_url"] = f"https://localhost:{free_port()}"
        return {
            "unit": {"state_dir": str(self.state)},
            "uplink": uplink,
            "door": {"resample_ms": 100},
            "camera": {"enabled": False},
            **sections,
        }

    # As a process

    def start(self) -> None:
        """`doorunit run --simulate`, until its door can be moved."""
        path = self.folder / "doorunit.toml"
        lines = []
        for section, values in self.settings().items():
            lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        path.write_text("\n".join(lines), encoding="utf-8")
        (self._runtime / remote.NAME).unlink(missing_ok=True)
        command = [sys.executable, "-m", "edge.cli", "run", "--simulate", "--config", str(path)]
        surroundings = {**os.environ, "RUNTIME_DIRECTORY": str(self._runtime)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=surroundings)
        until((self._runtime / remote.NAME).exists)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(15)
        self._process = None
        return code

    def move(self, to: str) -> None:
        remote.move(self._runtime / remote.NAME, to)

    def says(self, *words: str) -> None:
        """Wait until one line of the log holds all these words."""
        until(lambda: any(all(word in line for word in words) for line in self.log().splitlines()))

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


class InProcess(Assembly):
    """The whole unit in a thread of this process, so that a test can lay hands on its parts."""

    def __init__(self, flat: Flat, *, fault: Fault | None = None, **sections: JSON) -> None:
        self.fault = fault
        super().__init__(config.parse(flat.settings(**sections)), simulate=True)
        self._thread = threading.Thread(target=self.run, daemon=True)

    def _camera(self) -> SimCamera:
        camera = super()._camera()
        assert isinstance(camera, SimCamera)
        camera.fault = self.fault
        self.camera = camera
        return camera

    def take_pin(self, gpio: int) -> Callable[[], None]:
        """Something else in this machine has the pin; returns what lets it go."""
        self._factory.reserve_pins(self, gpio)
        return lambda: self._factory.release_pins(self, gpio)

    def _conflicts_with(self, _other: object) -> bool:
        return True  # gpiozero asks every reserver

    def __repr__(self) -> str:
        return "another part"

    def __enter__(self) -> "InProcess":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(15)
        assert not self._thread.is_alive()

    def move(self, to: str) -> None:
        assert self.door is not None
        self.door.move(to == "open")
