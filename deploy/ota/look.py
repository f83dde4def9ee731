"""How the unit is, seen from outside: systemd's word, the agent's own answer, doctor's, and a handshake of our own.

The agent's socket is asked rather than its command line: it answers in milliseconds, without loading anything of the
version that is judged. doctor is a program of that version, and is run once, when all else is well.
"""

import json
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.ota.settings import Settings
from deploy.ota.trial import DOORS, Seen

SERVICE = "doorunit.service"
SOCKET = Path("/run/doorunit/unit.sock")
LAUNCH = "/usr/lib/doorunit/ota/launch"
SCHEMA = 1  # of the agent's socket
ANSWER_MAX = 8_000_000
ASK_S, DOCTOR_S, DIAL_S, SYSTEMCTL_S = 3.0, 30.0, 10.0, 20.0


def look(settings: Settings) -> Seen:
    """All but doctor's word. Never raises."""
    said = show()
    answer = ask()
    far = answer is None or not answer.get("link_up") or answer.get("last_receipt_s") is None
    restarts = said.get("NRestarts", "0")
    return Seen(
        home=home_of(said.get("MainPID", "0")),
        restarts=int(restarts) if restarts.isdigit() else 0,
        answer=answer,
        platform=not far or reachable(settings),
        stopped=said.get("ActiveState") == "inactive",
    )


def before(home: Path) -> dict[str, Any]:
    """What is to be compared with after a switch. `home`: where the version that runs has its files."""
    answer = ask()
    pulse = answer.get("pulse", {}) if answer else {}
    return {
        "watched": pulse.get("door") in DOORS,
        "causes": sorted(doctor(home) or ()),
        "in_service": show().get("ActiveState") not in ("inactive", None),
    }


def busy(answer: dict[str, Any] | None) -> str:
    """Why an update must wait: the door comes first. "" where nothing says so."""
    pulse = answer.get("pulse", {}) if answer else {}
    if pulse.get("door") in ("open", "held"):
        return "the door is open"
    if pulse.get("backlog"):
        return f"{pulse['backlog']} records wait to be sent"
    return ""


def ask(path: Path = SOCKET) -> dict[str, Any] | None:
    """The running agent's status; None where there is none in time."""
    wish = {"schema": SCHEMA, "ask": "status", "args": {}, "who": "doorunit-update"}
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(ASK_S)
            sock.connect(str(path))
            sock.sendall(json.dumps(wish).encode() + b"\n")
            with sock.makefile("rb") as file:
                answer = json.loads(file.readline(ANSWER_MAX))["answer"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and isinstance(answer.get("pulse"), dict) else None


def show() -> dict[str, str]:
    """The service as systemd has it; empty where it says nothing."""
    command = ["systemctl", "show", SERVICE, "--property=MainPID,NRestarts,ActiveState"]
    said = _say(command, SYSTEMCTL_S)
    return dict(line.split("=", 1) for line in (said or "").splitlines() if "=" in line)


def home_of(pid: str, proc: Path = Path("/proc")) -> str:
    """The folder whose bin/python that process is; "" where there is none."""
    try:
        first = (proc / pid / "cmdline").read_bytes().partition(b"\0")[0].decode(errors="replace")
    except OSError:
        return ""
    return first.removesuffix("/bin/python") if first.endswith("/bin/python") else ""


def doctor(home: Path) -> frozenset[str] | None:
    """The codes of what that version's doctor finds; None where it gives no answer."""
    said = _say([str(home / "bin/python"), "-I", "-B", "-m", "edge.cli", "doctor", "--json"], DOCTOR_S)
    try:
        return frozenset(map(str, json.loads(said or "")["causes"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def reachable(settings: Settings) -> bool:
    """Whether the broker can be reached with this unit's certificate, by the system's TLS. Blocks for 10 s at most."""
    try:
        with socket.create_connection((settings.host, settings.port), DIAL_S) as plain:
            if settings.tls:
                settings.context().wrap_socket(plain, server_hostname=settings.host).close()
    except (OSError, ssl.SSLError, ValueError):  # ValueError: a host name that is none
        return False
    return True


def systemctl(*words: str) -> bool:
    """Have systemd do something; whether it did."""
    return _say(["systemctl", *words], 90.0) is not None


def _say(command: Sequence[str], within_s: float) -> str | None:
    """What a command prints, whatever it ends with: doctor ends with 1 where it finds something."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=False)  # noqa: S603 - our own words
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout
