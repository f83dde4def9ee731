"""A simulated unit's door, moved from another process: one JSON line each way over a Unix socket."""

import json
import os
import socket
import socketserver
import threading
from pathlib import Path
from typing import Any

from edge.errors import ConfigError, DoorunitError, LinkError
from edge.sim.door import Door

NAME = "door.sock"  # in the unit's state folder


class Remote:
    """Listens for movements until closed. Only a simulated unit has one."""

    def __init__(self, path: Path, door: Door) -> None:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(json.dumps(_obey(self.rfile.readline(4096), door)).encode() + b"\n")

        self._path = path
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        os.chmod(path, 0o600)  # noqa: PTH101 - pathlib follows the same call
        self._thread = threading.Thread(target=self._server.serve_forever, name="door-remote", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; safe to repeat."""
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)
        self._thread.join(timeout=5)


def move(path: Path, to: str, wave: str = "clean", *, timeout_s: float = 2.0) -> dict[str, Any]:
    """Have the simulated unit behind `path` move its door; returns {"door": ...}. Raises LinkError, ConfigError."""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout_s)
            sock.connect(str(path))
            sock.sendall(json.dumps({"door": to, "wave": wave}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(sock.makefile().readline() or "{}")
    except (OSError, ValueError) as err:
        raise LinkError(
            f"simulated unit at {path}",
            found=err,
            wanted="a unit started with --simulate",
            remedy="Start `doorunit run --simulate` first.",
        ) from err
    if "error" in answer:
        raise ConfigError("door movement", found=answer["error"], wanted="open or shut", remedy="See --help.")
    return answer


def _obey(line: bytes, door: Door) -> dict[str, Any]:
    try:
        wish = json.loads(line)
        if wish["door"] not in ("open", "shut"):
            return {"error": f"door {wish['door']!r}"}
        door.move(wish["door"] == "open", wish.get("wave", "clean"))
    except (ValueError, KeyError, TypeError, DoorunitError) as err:
        return {"error": str(err)}
    return {"door": "open" if door.is_open else "shut"}
