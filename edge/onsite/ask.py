"""Asks the running unit over its local socket: one JSON line each way. desk.py answers."""

import base64
import hashlib
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.config import Config, Unit
from edge.errors import LinkError

SCHEMA = 1  # of question and answer; a new field does not change it, a changed meaning does
NAME = "unit.sock"
RUNTIME = Path("/run/doorunit")  # systemd's RuntimeDirectory
DEADLINE_S = 1.0
ANSWER_MAX = 8_000_000  # bytes; a sealed picture of the largest size in base64 is half of it
_CLAIM_MAX = 64

JSON = dict[str, Any]


def socket_path(config: Config) -> Path:
    """Where the unit of these settings answers: /run/doorunit, or a state_dir of one's own, as a simulated unit has."""
    own = config.unit.state_dir != Unit().state_dir
    return (Path(config.unit.state_dir) if own else RUNTIME) / NAME


def ask(path: Path, question: str, args: Mapping[str, Any] | None = None, deadline_s: float = DEADLINE_S) -> JSON:
    """The running unit's answer. Raises LinkError: nobody answers there, not in time, or not to this question."""
    wish = {"schema": SCHEMA, "ask": question, "args": dict(args or {}), "who": who(os.environ)}
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(deadline_s)
            sock.connect(str(path))
            sock.sendall(json.dumps(wish).encode() + b"\n")
            with sock.makefile("rb") as file:
                told = json.loads(file.readline(ANSWER_MAX))
    except (OSError, ValueError) as err:
        raise _silent(path, err) from err
    answer = told.get("answer") if isinstance(told, dict) else None
    if isinstance(answer, dict):
        return answer
    refusal = told.get("error", {}) if isinstance(told, dict) else {}
    raise LinkError(
        f"unit at {path}",
        found=refusal.get("found", "no answer"),
        wanted=refusal.get("wanted", f"an answer to {question}"),
        remedy=refusal.get("remedy", "Use the doorunit command of the version that runs."),
    )


def who(environ: Mapping[str, str]) -> str:
    """Who says they ask, for the audit line: the name before sudo, and the SSH key they came in with.

    Claimed, not proved: what the kernel says of the caller is read by the desk itself.
    """
    name = environ.get("SUDO_USER") or environ.get("LOGNAME") or environ.get("USER") or ""
    key = _ssh_key(environ.get("SSH_USER_AUTH", ""))
    origin = environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return claim(" ".join(part for part in (name, key, f"from {origin}" if origin else "") if part))


def claim(text: object) -> str:
    """What a stranger says of themselves, fit for one line of a log."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[: 2 * _CLAIM_MAX])


def _ssh_key(listed: str) -> str:
    """SHA256 fingerprint of the public key in the file that sshd's ExposeAuthInfo leaves; "" without one."""
    try:
        for line in Path(listed).read_text(encoding="ascii").splitlines() if listed else ():
            words = line.split()
            if len(words) >= 3 and words[0] == "publickey":
                digest = hashlib.sha256(base64.b64decode(words[2], validate=True)).digest()
                return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    except (OSError, ValueError):
        return ""
    return ""


def _silent(path: Path, err: Exception) -> LinkError:
    if isinstance(err, TimeoutError):
        found, remedy = "no answer in time", "The unit hangs: see `journalctl -u doorunit`, then restart it."
    elif isinstance(err, PermissionError):
        found, remedy = "this user may not ask", "Use sudo, or have the user put into the group doorunit."
    elif isinstance(err, OSError):
        found, remedy = "nobody answers", "Start the unit: `sudo systemctl start doorunit`."
    else:
        found, remedy = "something that is no JSON", "See what else listens there."
    return LinkError(f"unit at {path}", found=found, wanted="a running unit", remedy=remedy)
