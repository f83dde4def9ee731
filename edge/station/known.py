"""What the authority remembers of every unit: each certificate it ever made for it, and which no longer count.

One JSON file, shared by the station and whoever runs `doorunit station ...` beside it: read anew when it has changed.
"""

import base64
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.durable import write_durably
from edge.errors import ConfigError, WireError

UNITS = "units.json"


class Enrolled(msgspec.Struct, frozen=True):
    """One certificate of a unit. `earlier`: those before it, newest first, in the newest alone."""

    verify_key: str  # base64 of the Ed25519 public key that checks the unit's frames
    fingerprint: str  # sha256 of the certificate (DER), hex
    issued: str  # RFC 3339, UTC
    ends: str = ""  # RFC 3339, UTC
    serial: str = ""  # hex
    key: str = ""  # sha256 of the TLS public key (SPKI, DER), hex
    pem: str = ""
    revoked: str = ""  # RFC 3339: when it stopped counting
    trusted: bool = True  # frames signed with verify_key are still taken in
    earlier: tuple["Enrolled", ...] = ()

    def all(self) -> tuple["Enrolled", ...]:
        """This one and those before it."""
        return (self, *self.earlier)


_units = msgspec.json.Decoder(dict[str, Enrolled])


class Known:
    """Any thread; several processes may share the folder. Raises ConfigError where the file is garbled, PartError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / UNITS
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] = ()
        self._units: dict[str, Enrolled] = {}
        self._refused: dict[str, str] = {}

    def units(self) -> dict[str, Enrolled]:
        """Every unit by its newest certificate."""
        return self._read()[0]

    def certificates(self, unit: str) -> tuple[Enrolled, ...]:
        """Newest first; empty for a unit that was never certified."""
        known = self.units().get(unit)
        return known.all() if known else ()

    def valid(self, unit: str) -> tuple[Enrolled, ...]:
        """Those of its certificates that are not revoked."""
        return tuple(one for one in self.certificates(unit) if not one.revoked)

    def of_key(self, key: str) -> tuple[str, Enrolled] | None:
        """The unit, and its newest certificate, whose TLS public key has this sha256."""
        found = ((unit, one) for unit, newest in self.units().items() for one in newest.all() if one.key == key)
        return next(found, None)

    def verify_keys(self, unit: str, *, ever: bool = False) -> list[bytes]:
        """The Ed25519 public keys that check `unit`'s frames, newest first; a unit enrolled anew still sends old ones.

        ever: those too that are no longer believed, for what came while they were. Raises WireError.
        """
        keys = [one.verify_key for one in self.certificates(unit) if one.trusted or ever]
        if not keys:
            raise WireError(
                f"unit {unit!r}",
                found="no such unit in units.json, or none of its keys is believed any more",
                wanted="a unit this station has certified",
                remedy="Enrol it here, or look why it speaks to this station.",
            )
        return [base64.b64decode(key) for key in dict.fromkeys(keys)]

    def refused(self, fingerprint: str) -> bool:
        """Whether the certificate with this sha256 is revoked."""
        return fingerprint in self._read()[1]

    def serials(self) -> dict[str, str]:
        """What a revocation list holds: serial -> when."""
        every = (one for newest in self.units().values() for one in newest.all())
        return {one.serial: one.revoked for one in every if one.revoked and one.serial}

    def verdicts(self) -> tuple[dict[str, str], list[str]]:
        """`serials` and `banned`: what a broker goes by."""
        return self.serials(), self.banned()

    def banned(self) -> list[str]:
        """Units none of whose certificates counts any more."""
        return sorted(unit for unit, newest in self.units().items() if all(one.revoked for one in newest.all()))

    def add(self, unit: str, new: Enrolled) -> None:
        """Remember a certificate; on the disk when this returns."""

        def change(units: dict[str, Enrolled]) -> None:
            old = units.get(unit)
            before = (msgspec.structs.replace(old, earlier=()), *old.earlier) if old else ()
            units[unit] = msgspec.structs.replace(new, earlier=before)

        self._change(change)

    def revoke(self, unit: str, when: str, *, but: str = "", trusted: bool = True) -> int:
        """The unit's certificates count no more, nor its signatures where not `trusted`; how many that newly were.

        but: those of this TLS key stay. On the disk when this returns.
        """
        ended: list[str] = []

        def end(one: Enrolled) -> Enrolled:
            if one.key == but and but:
                return one
            if not one.revoked:
                ended.append(one.fingerprint)
            return msgspec.structs.replace(one, revoked=one.revoked or when, trusted=one.trusted and trusted)

        def change(units: dict[str, Enrolled]) -> None:
            if unit in units:
                earlier = tuple(end(one) for one in units[unit].earlier)
                units[unit] = msgspec.structs.replace(end(units[unit]), earlier=earlier)

        self._change(change)
        return len(ended)

    def _change(self, change: Callable[[dict[str, Enrolled]], None]) -> None:
        with locked(self._folder):
            units = dict(self.units())
            change(units)
            write_durably(self._path, msgspec.json.format(msgspec.json.encode(units)))

    def _read(self) -> tuple[dict[str, Enrolled], dict[str, str]]:
        with self._lock:
            try:
                about = self._path.stat()
            except FileNotFoundError:
                return {}, {}
            stamp = (about.st_ino, about.st_mtime_ns, about.st_size)
            if stamp != self._stamp:
                self._units = self._parse()
                every = (one for newest in self._units.values() for one in newest.all())
                self._refused = {one.fingerprint: one.revoked for one in every if one.revoked}
                self._stamp = stamp
            return self._units, self._refused

    def _parse(self) -> dict[str, Enrolled]:
        try:
            return _units.decode(self._path.read_bytes())
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise ConfigError(
                f"authority file {self._path}",
                found=getattr(err, "strerror", None) or "something else",
                wanted="the units this authority has certified, in JSON",
                remedy="Put the authority's folder back from its backup; a new one would not be believed by its units.",
            ) from err


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One writer at a time, among threads and processes; the kernel lets go when a process dies."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
