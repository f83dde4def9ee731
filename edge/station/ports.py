"""Ports of this machine: which are free, and who is told where they are not."""

import contextlib
import errno
import socket
from pathlib import Path

from edge.errors import PartError

_LISTEN = "0A"  # <net/tcp_states.h>


def free(host: str, port: int) -> int:
    """`port`, or a free one for 0. Raises PartError where another program has it: its answer would pass for ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as err:
            if err.errno == errno.EADDRINUSE:
                raise taken(host, port) from err
            raise PartError(
                f"broker on {host}:{port}",
                found=(err.strerror or str(err)).lower(),
                wanted="an address of this machine and a port this user may open",
                remedy="`ip address` shows the addresses; ports below 1024 need root.",
            ) from err
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether a program of this machine listens on `port`. Asked of the kernel: a trial connection would be logged."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            lines = Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]
            if any(at.endswith(f":{port:04X}") and state == _LISTEN for _, at, _, state, *_ in map(str.split, lines)):
                return True
    return False


def taken(host: str, port: int) -> PartError:
    """What to raise where another program has the port."""
    return PartError(
        f"broker on {host}:{port}",
        found="another program listens there",
        wanted="a free port",
        remedy=f"`ss -ltnp sport = :{port}` shows which; end it, or choose another port.",
    )
