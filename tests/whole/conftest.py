"""The demo as a process of its own, played with through its page's API."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

JSON = dict[str, Any]
PATIENCE_S = 30


class Demo:
    """`doorunit demo`, started and ended as a visitor would."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        errors = folder.parent / f"{folder.name}.err"
        with errors.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edge.cli", "demo", "--json", "--dir", str(folder), *options],
                stdout=subprocess.PIPE,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
            )
        assert self._process.stdout is not None
        self.told: JSON = json.loads(self._process.stdout.readline() or b"{}")
        assert "page" in self.told, errors.read_text()
        self.page: str = self.told["page"]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.page.rstrip("/") + path, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def bench(self, what: str, **wish: object) -> JSON:
        request = urllib.request.Request(
            f"{self.page}api/bench/{what}", json.dumps(wish).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def events(self, change: str = "") -> list[JSON]:
        """Oldest first, in order of arrival."""
        found = self.get("/api/events?limit=1000")["events"][::-1]
        return [e for e in found if not change or e["change"] == change]

    def door(self) -> JSON:
        (door,) = self.get("/api/doors")["doors"]
        return door

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        code = self._process.wait(20)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


def until(what: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `what` returns, once it returns something true; fails after patience_s."""
    deadline = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < deadline, f"nothing within {patience_s} s"
        time.sleep(0.02)
    return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    opened = Demo(tmp_path / "demo")
    yield opened
    assert opened.end() == 0
