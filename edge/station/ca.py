"""The station's authority: who may call itself a unit, a broker or a receiver, and the key that opens frames.

Its folder is the one thing of a station that must be backed up: without `seal.key` no picture of its units is ever
opened again. Units make their keys themselves and send only public ones.
"""

import base64
import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.clock import FLOOR_NS, SECOND, Clock, SystemClock
from edge.durable import make_folder, trouble, write_durably
from edge.errors import ConfigError, WireError
from edge.identity import KEY_BYTES, Identity, check_unit, save
from edge.onsite.keys import ends_ns, key_id, make_sign_seed, make_tls_key, p256, public_of, verify_key_of
from edge.station.known import Enrolled, Known, locked
from edge.station.minting import leaf, revocations, root, san, utc
from edge.wire import from_rfc3339, rfc3339

STATION = "station"  # the receiver's name, and the beginning of every name that no unit may have

DAY_NS = 86_400 * SECOND
# The station's own certificates begin here, for units check them by their own clock: one without RTC and NTP shows
# 1970, or the day its image was built, and must still be able to say that its door was opened.
ALWAYS_NS = 0
CA_LIFE_NS = 3650 * DAY_NS
# A running station does not look at its own certificate again, so at each start at least half a year must be left.
STATION_LIFE_NS, STATION_RENEW_NS = 730 * DAY_NS, 183 * DAY_NS
UNIT_LIFE_NS = 365 * DAY_NS
# Units' certificates are checked by the broker's clock. A PC whose clock was set to local time as if it were UTC
# is up to 14 h off; a day covers that, and a unit issued by such a PC is accepted by the next one at once.
BACKDATE_NS = DAY_NS

_CA_CERT, _CA_KEY, _SEAL_KEY, _COMMAND_KEY = "ca.crt", "ca.key", "seal.key", "command.key"
T = TypeVar("T")


class Authority:
    """One station's certificate authority and sealing key. Any thread; several processes may share its folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.ca_file = folder / _CA_CERT
        self.known = Known(folder)
        self._clock = clock
        self._ca = _certificate(self.ca_file)
        self._key = _tls_key(folder / _CA_KEY)
        self._seal = _parsed(folder / _SEAL_KEY, _x25519, f"base64 of {KEY_BYTES} bytes")
        self.seal_key = self._seal.public_key().public_bytes_raw()
        self._command = _parsed(folder / _COMMAND_KEY, _ed25519, f"base64 of {KEY_BYTES} bytes")
        self.command_key = self._command.public_key().public_bytes_raw()
        self.seal_key_id = hashlib.sha256(self.seal_key).hexdigest()[:8]

    @classmethod
    def open(cls, folder: Path, clock: Clock | None = None) -> "Authority":
        """The authority in `folder`, made on first use. Raises ConfigError (a garbled file), PartError (the card)."""
        clock = clock or SystemClock()
        try:
            make_folder(folder, 0o700)
        except OSError as err:
            raise trouble(f"authority folder {folder}", err) from err
        with locked(folder):
            if not (folder / _CA_CERT).exists():
                _found(folder, _now_ns(clock))
        return cls(folder, clock)

    def private_key(self) -> bytes:
        """The X25519 private key, 32 bytes, that opens frames sealed to `seal_key`. The caller keeps it out of logs."""
        return self._seal.private_bytes_raw()

    def sign_command(self, message: bytes) -> bytes:
        """The Ed25519 signature, 64 bytes, that units of this authority obey."""
        return self._command.sign(message)

    def server_files(self, names: Sequence[str] = ("localhost", "127.0.0.1")) -> tuple[Path, Path]:
        """(certificate, key) for the broker and for HTTPS; `names` are the host names and addresses units dial.

        Signed anew where it lacks one of them: who serves the same station gives the same names.
        """
        sans = [san(name) for name in names]
        return self._kept("server", names[0], sans, ExtendedKeyUsageOID.SERVER_AUTH)

    def client_files(self, cn: str = STATION) -> tuple[Path, Path]:
        """(certificate, key) for a receiver at this broker; `cn` begins with "station", as no unit's id does."""
        if not cn.startswith(STATION):
            raise ConfigError(
                "receiver's name",
                found=repr(cn),
                wanted=f"a name that begins with {STATION}",
                remedy="Units get theirs with `issue`.",
            )
        return self._kept(check_unit(cn), cn, [], ExtendedKeyUsageOID.CLIENT_AUTH)

    def certify(
        self,
        unit: str,
        public_pem: bytes,
        verify_key: bytes,
        *,
        not_before_ns: int | None = None,
        not_after_ns: int | None = None,
    ) -> bytes:
        """A certificate (PEM) that `public_pem` is `unit`, remembered with the key that checks the unit's frames.

        Keys it had before are remembered too, and count until they are revoked. Raises ConfigError (the id, this
        machine's clock), WireError (not a public key).
        """
        now_ns = _now_ns(self._clock)
        first_ns = now_ns - BACKDATE_NS if not_before_ns is None else not_before_ns
        last_ns = now_ns + UNIT_LIFE_NS if not_after_ns is None else not_after_ns
        public = _public(unit, public_pem)
        certificate = self._leaf(unit, public, (first_ns, last_ns))
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.known.add(
            unit,
            Enrolled(
                verify_key=base64.b64encode(verify_key).decode(),
                fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
                issued=rfc3339(now_ns),
                ends=rfc3339(ends_ns(pem)),
                serial=f"{certificate.serial_number:x}",
                key=key_id(public),
                pem=pem.decode(),
            ),
        )
        return pem

    def pass_for_a_day(self, unit: str, public_pem: bytes) -> bytes:
        """A certificate (PEM) that nobody remembers, for units that are only played. Raises as `certify` does."""
        now_ns = _now_ns(self._clock)
        certificate = self._leaf(unit, _public(unit, public_pem), (now_ns - BACKDATE_NS, now_ns + DAY_NS))
        return certificate.public_bytes(serialization.Encoding.PEM)

    def revoked(self) -> bytes:
        """The certificate revocation list, PEM, of all that counts no more, for whoever checks certificates by itself.

        It begins in 1970 and as many seconds later as it has entries: OpenSSL takes the later of two, and one that
        began in the future, by whatever clock, would put every unit off.
        """
        serials = [(int(serial, 16), from_rfc3339(when)) for serial, when in self.known.serials().items()]
        made = revocations(serials, (self._ca, self._key), ALWAYS_NS + len(serials) * SECOND)
        return made.public_bytes(serialization.Encoding.PEM)

    def issue(
        self, unit: str, folder: Path, *, not_before_ns: int | None = None, not_after_ns: int | None = None
    ) -> Identity:
        """Make all of a unit's keys here and write its whole identity into `folder`: for the bench and the demo.

        In the field the keys are made on the unit, and only `certify` is the authority's part.
        """
        key_pem, seed = make_tls_key(), make_sign_seed()
        cert_pem = self.certify(
            unit, public_of(key_pem), verify_key_of(seed), not_before_ns=not_before_ns, not_after_ns=not_after_ns
        )
        return save(
            folder,
            unit=unit,
            seal_key=self.seal_key,
            seal_key_id=self.seal_key_id,
            command_key=self.command_key,
            sign_seed=seed,
            key_pem=key_pem,
            cert_pem=cert_pem,
            ca_pem=_read(self.ca_file),
            ends_ns=ends_ns(cert_pem),
        )

    def _leaf(self, unit: str, public: ec.EllipticCurvePublicKey, life_ns: tuple[int, int]) -> x509.Certificate:
        by = (self._ca, self._key)
        return leaf(free_for_unit(unit), public, by, ExtendedKeyUsageOID.CLIENT_AUTH, [], life_ns)

    def _kept(
        self, stem: str, cn: str, sans: Sequence[x509.GeneralName], purpose: x509.ObjectIdentifier
    ) -> tuple[Path, Path]:
        """The station's own certificate under this stem, signed anew where it is old or no longer fits; same key."""
        cert_path, key_path = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        now_ns = _now_ns(self._clock)
        with locked(self.folder):
            if not key_path.exists():
                write_durably(key_path, make_tls_key())
            public = _tls_key(key_path).public_key()
            if not self._fits(cert_path, public, sans, now_ns + STATION_RENEW_NS):
                signed = leaf(cn, public, (self._ca, self._key), purpose, sans, (ALWAYS_NS, now_ns + STATION_LIFE_NS))
                write_durably(cert_path, signed.public_bytes(serialization.Encoding.PEM), 0o644)
        return cert_path, key_path

    def _fits(
        self, path: Path, public: ec.EllipticCurvePublicKey, sans: Sequence[x509.GeneralName], until_ns: int
    ) -> bool:
        """Whether the certificate at `path` is ours, of this key and these names, and lives until then."""
        if not path.exists():
            return False
        with suppress(ConfigError):
            old = _certificate(path)
            names = {n for e in old.extensions if isinstance(e.value, x509.SubjectAlternativeName) for n in e.value}
            return (
                old.public_key() == public
                and set(sans) <= names
                and old.issuer == self._ca.subject
                and old.not_valid_after_utc > min(utc(until_ns), self._ca.not_valid_after_utc - timedelta(seconds=1))
            )
        return False


def _found(folder: Path, now_ns: int) -> None:
    """Make the authority's keys and its own certificate. ca.crt comes last: while it is missing, nothing was issued."""
    key_pem = make_tls_key()
    name = f"doorunit station {os.urandom(4).hex()}"  # told apart where a machine has known several
    ca = root(name, p256(key_pem), ALWAYS_NS, now_ns + CA_LIFE_NS)
    seal = x25519.X25519PrivateKey.generate()
    write_durably(folder / _CA_KEY, key_pem)
    write_durably(folder / _SEAL_KEY, base64.b64encode(seal.private_bytes_raw()) + b"\n")
    command = ed25519.Ed25519PrivateKey.generate()
    write_durably(folder / _COMMAND_KEY, base64.b64encode(command.private_bytes_raw()) + b"\n")
    write_durably(folder / _CA_CERT, ca.public_bytes(serialization.Encoding.PEM), 0o644)


def free_for_unit(unit: str) -> str:
    """`unit` where a unit may be called so: the broker lets whoever is called station read and write everything."""
    if check_unit(unit).startswith(STATION):
        raise ConfigError(
            "unit id",
            found=repr(unit),
            wanted=f"an id that does not begin with {STATION}",
            remedy="Names that begin so belong to receivers; choose another for the unit.",
        )
    return unit


def _now_ns(clock: Clock) -> int:
    now_ns = clock.read().wall_ns
    if now_ns < FLOOR_NS:
        raise ConfigError(
            "this machine's clock",
            found=rfc3339(now_ns),
            wanted=f"the present, later than {rfc3339(FLOOR_NS)}",
            remedy="Set the clock first; certificates made now would not be valid when it is right.",
        )
    return now_ns


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise _garbled(path, (err.strerror or str(err)).lower(), "a file this user can read") from err


def _parsed(path: Path, parse: Callable[[bytes], T], wanted: str) -> T:
    raw = _read(path)
    try:
        return parse(raw)
    except (ValueError, TypeError, msgspec.DecodeError) as err:
        raise _garbled(path, "something else", wanted) from err


def _tls_key(path: Path) -> ec.EllipticCurvePrivateKey:
    return _parsed(path, p256, "a P-256 private key, PEM")


def _certificate(path: Path) -> x509.Certificate:
    return _parsed(path, x509.load_pem_x509_certificate, "a certificate, PEM")


def _public(unit: str, pem: bytes) -> ec.EllipticCurvePublicKey:
    with suppress(ValueError, UnsupportedAlgorithm):
        key = serialization.load_pem_public_key(pem)
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            return key
    raise WireError(
        f"public key of {unit!r}", found="something else", wanted="P-256, in PEM", remedy="Make the unit's key anew."
    )


def _x25519(text: bytes) -> x25519.X25519PrivateKey:
    return x25519.X25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True))


def _ed25519(text: bytes) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True))


def _garbled(path: Path, found: str, wanted: str) -> ConfigError:
    remedy = "Put the authority's folder back from its backup; a new one would not be believed by its units."
    return ConfigError(f"authority file {path}", found=found, wanted=wanted, remedy=remedy)
