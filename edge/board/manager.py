"""The service manager that started this process, told how it goes by sd_notify(3): one datagram, no library.

It never raises and never waits: a unit that cannot tell its manager anything still watches the door.
"""

import logging
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

PATIENCE_S = 120  # what comes after a wait is given this long: an attempt to reach a station ends within
BEATS = 4  # in one watchdog time: three of them may be late


class Manager:
    """systemd, or nobody where the environment names none."""

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._failing = False
        self.beat_ns: int | None = _beat_ns(environ, pid) if path else None

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    def wait(self, seconds: float) -> None:
        """Before it is enrolled: it waits so long for an answer, and is not to be ended for it."""
        self.tell(f"EXTEND_TIMEOUT_USEC={int((seconds + PATIENCE_S) * 1e6)}", "STATUS=waits to be enrolled")

    def tell(self, *lines: str) -> None:
        """Send assignments such as READY=1 in one message; any thread."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.sendto("\n".join(lines).encode(), self._address)
        except OSError as err:
            log.log(logging.DEBUG if self._failing else logging.WARNING, "the service manager hears nothing: %s", err)
            self._failing = True
        else:
            self._failing = False


def _beat_ns(environ: Mapping[str, str], pid: int) -> int | None:
    """How often its watchdog wants to be fed; None where it has none, or where it is meant for another process."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        return None
    return int(text) * 1000 // BEATS
