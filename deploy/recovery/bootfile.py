"""The station's file on the boot partition, seen to by root: the unit itself may not write there, nor start itself.

    bootfile.py arrived FILE   it was put there, or another in its place: start the unit by it, where it has use for it
    bootfile.py spent FILE     the unit runs: erase the token, once the certificate that it was given for is on the card

With the system's own python3. What the unit's account can write is read with suspicion: no links are followed, nothing
is waited for, and no more is taken from it than whether one hash is equal.
"""

import grp
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from pathlib import Path

SERVICE = "doorunit.service"
IDENTITY = Path("/var/lib/doorunit/identity")
MOST_BYTES = 16_384
WHOLE_WITHIN_S = 10  # a file is there before all of it is: someone copies it
LOOK_S = 0.5
_TOKEN = re.compile(rb'(?m)^\s*token\s*=\s*"[^"\n]*"[^\n]*(\n|\Z)')


def main() -> int:
    """0: done, or nothing to do. 1: what had to be done could not be."""
    what, path = sys.argv[1], Path(sys.argv[2])
    try:
        return _arrived(path) if what == "arrived" else _spent(path)
    except OSError as err:
        sys.stderr.write(f"{path}: {err.strerror}; its token stays. It is spent, but delete the file\n")
        return 1


def token_of(raw: bytes) -> str | None:
    """The token of a station's file, "" where it is without one; None: this is no such file, or not all of it."""
    try:
        told = tomllib.loads(raw.decode())
    except (ValueError, RecursionError):
        return None
    token = told.get("token", "")
    return token if isinstance(token, str) and "ca" in told and "station" in told else None


def enrolled_by(identity: Path) -> str | None:
    """sha256 (hex) of the token behind a whole identity, "" where it was accepted without one; None: there is none."""
    about, certificate = (_read(identity / name, follow=False) for name in ("identity.json", "unit.crt"))
    if about is None or certificate is None or b"-----BEGIN CERT" not in certificate:
        return None
    try:
        told = json.loads(about)
    except (ValueError, RecursionError):
        return None
    return str(told.get("token_id", "")) if isinstance(told, dict) else None


def wanted(token: str, by: str | None) -> bool:
    """Whether the unit has use for a file with this token: it has no identity, or was given a token for another."""
    return by is None or (token != "" and _id(token) != by)


def erase(path: Path, identity: Path) -> bool:
    """Take the token out of the file, where it is spent; whether it was. A cut leaves the old file or the new one."""
    raw = _read(path)
    token = token_of(raw) if raw else None
    if not raw or not token or enrolled_by(identity) != _id(token):
        return False
    rest = _TOKEN.sub(b"", raw)
    if token_of(rest) != "":  # written in a way that no station writes it
        sys.stderr.write(f"{path}: found a token that is not on a line of its own; want this file deleted by hand\n")
        return False
    _replace(path, rest)
    return True


def show(path: Path, group: str = "doorunit") -> None:
    """Let the unit's account read the file: a station writes it for its keeper alone, and FAT alone forgets that."""
    with suppress(OSError, KeyError):  # FAT refuses owners, and needs none
        gid = grp.getgrnam(group).gr_gid
        before = path.stat()
        if before.st_gid != gid and not before.st_mode & stat.S_IROTH:
            os.chown(path, -1, gid)
            path.chmod(stat.S_IMODE(before.st_mode) | stat.S_IRGRP)


def _arrived(path: Path) -> int:
    until_s = time.monotonic() + WHOLE_WITHIN_S
    while (token := token_of(_read(path) or b"")) is None:
        if time.monotonic() > until_s:
            sys.stderr.write(f"{path}: found no station's file; want it as `doorunit station batch` wrote it\n")
            return 0
        time.sleep(LOOK_S)
    show(path)
    if wanted(token, enrolled_by(IDENTITY)):
        sys.stderr.write(f"{path}: the unit is started to enrol by it\n")
        command = ["systemctl", "--no-block", "restart", SERVICE]
        subprocess.run(command, check=False, timeout=60)  # noqa: S603 - fixed words
    return 0


def _spent(path: Path) -> int:
    if erase(path, IDENTITY):
        sys.stderr.write(f"{path}: its token is spent, and was erased\n")
    return 0


def _read(path: Path, *, follow: bool = True) -> bytes | None:
    """At most MOST_BYTES of a plain file; None where it is something else, longer, or not to be read."""
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        handle = os.open(path, flags)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        raw = file.read(MOST_BYTES + 1)
    return raw if len(raw) <= MOST_BYTES else None


def _replace(path: Path, data: bytes) -> None:
    before = path.stat()
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):  # the first refusal is the one to tell
            part.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)


def _id(token: str) -> str:
    """As edge/onsite/forms.py has it."""
    return hashlib.sha256(token.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
