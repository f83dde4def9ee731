"""The station's authority: who may call itself a unit, a broker or a receiver, and the key that opens frames.

The only file that makes certificates. Its folder is the one thing of a station that must be backed up: without
`seal.key` no picture of its units is ever opened again. Making keys is apart from signing them, because real
enrolment makes the keys on the unit and sends only public ones here.
"""

import base64
import fcntl
import hashlib
import ipaddress
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.clock import FLOOR_NS, SECOND, Clock, SystemClock
from edge.durable import make_folder, trouble, write_durably
from edge.errors import ConfigError, WireError
from edge.identity import KEY_BYTES, Identity, check_unit, save
from edge.wire import rfc3339

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
_UNITS = "units.json"
T = TypeVar("T")


class Enrolled(msgspec.Struct, frozen=True):
    """What the authority remembers of a unit: its Ed25519 public key, its certificate's sha256, and when."""

    verify_key: str  # base64
    fingerprint: str  # sha256 of the certificate (DER), hex
    issued: str  # RFC 3339, UTC


_units = msgspec.json.Decoder(dict[str, Enrolled])


def make_tls_key() -> bytes:
    """A fresh P-256 private key, PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_of(key_pem: bytes) -> bytes:
    """The public half of `make_tls_key`'s answer, PEM: what is given to `Authority.certify`."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return _p256(key_pem).public_key().public_bytes(serialization.Encoding.PEM, spki)


def make_sign_seed() -> bytes:
    """A fresh Ed25519 seed, 32 bytes."""
    return os.urandom(KEY_BYTES)


def verify_key_of(sign_seed: bytes) -> bytes:
    """The Ed25519 public key, 32 bytes, that checks what `sign_seed` signs."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(sign_seed).public_key().public_bytes_raw()


class Authority:
    """One station's certificate authority and sealing key. Any thread; several processes may share its folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.ca_file = folder / _CA_CERT
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
        with _locked(folder):
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
        sans = [_san(name) for name in names]
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

        A unit certified again is remembered by its newest keys only. Raises ConfigError (the id, this machine's
        clock), WireError (not a public key).
        """
        now_ns = _now_ns(self._clock)
        first_ns = now_ns - BACKDATE_NS if not_before_ns is None else not_before_ns
        last_ns = now_ns + UNIT_LIFE_NS if not_after_ns is None else not_after_ns
        public, purpose = _public(unit, public_pem), ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = self._sign(_free_for_unit(unit), public, purpose, [], first_ns, last_ns)
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        known = Enrolled(base64.b64encode(verify_key).decode(), fingerprint, rfc3339(now_ns))
        with _locked(self.folder):
            units = self.units() | {unit: known}
            write_durably(self.folder / _UNITS, msgspec.json.format(msgspec.json.encode(units)))
        return certificate.public_bytes(serialization.Encoding.PEM)

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
        )

    def units(self) -> dict[str, Enrolled]:
        """All units certified so far, read anew each time: another process may have added one."""
        path = self.folder / _UNITS
        if not path.exists():
            return {}
        return _parsed(path, _units.decode, "the units this authority has certified, in JSON")

    def verify_key(self, unit: str) -> bytes:
        """The Ed25519 public key that checks `unit`'s frames. Raises WireError for a unit this authority never saw."""
        known = self.units().get(unit)
        if known is None:
            raise WireError(
                f"unit {unit!r}",
                found="no such unit in units.json",
                wanted="a unit this station has certified",
                remedy="Enrol it here, or look why it speaks to this station.",
            )
        return base64.b64decode(known.verify_key)

    def _kept(
        self, stem: str, cn: str, sans: Sequence[x509.GeneralName], purpose: x509.ObjectIdentifier
    ) -> tuple[Path, Path]:
        """The station's own certificate under this stem, signed anew where it is old or no longer fits; same key."""
        cert_path, key_path = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        now_ns = _now_ns(self._clock)
        with _locked(self.folder):
            if not key_path.exists():
                write_durably(key_path, make_tls_key())
            public = _tls_key(key_path).public_key()
            if not self._fits(cert_path, public, sans, now_ns + STATION_RENEW_NS):
                signed = self._sign(cn, public, purpose, sans, ALWAYS_NS, now_ns + STATION_LIFE_NS)
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
                and old.not_valid_after_utc > min(_utc(until_ns), self._ca.not_valid_after_utc - timedelta(seconds=1))
            )
        return False

    def _sign(
        self,
        cn: str,
        public: ec.EllipticCurvePublicKey,
        purpose: x509.ObjectIdentifier,
        sans: Sequence[x509.GeneralName],
        first_ns: int,
        last_ns: int,
    ) -> x509.Certificate:
        """A leaf certificate for one purpose: a unit's cannot serve, the server's cannot speak for a unit."""
        last = min(_utc(last_ns), self._ca.not_valid_after_utc)
        builder = _builder(cn, self._ca.subject, public, _utc(first_ns), last)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(ca=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _found(folder: Path, now_ns: int) -> None:
    """Make the authority's keys and its own certificate. ca.crt comes last: while it is missing, nothing was issued."""
    key_pem = make_tls_key()
    key = _p256(key_pem)
    seal = x25519.X25519PrivateKey.generate()
    name = f"doorunit station {os.urandom(4).hex()}"  # told apart where a machine has known several
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _builder(name, subject, key.public_key(), _utc(ALWAYS_NS), _utc(now_ns + CA_LIFE_NS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(ca=True), critical=True)
    ca = builder.sign(key, hashes.SHA256())
    write_durably(folder / _CA_KEY, key_pem)
    write_durably(folder / _SEAL_KEY, base64.b64encode(seal.private_bytes_raw()) + b"\n")
    command = ed25519.Ed25519PrivateKey.generate()
    write_durably(folder / _COMMAND_KEY, base64.b64encode(command.private_bytes_raw()) + b"\n")
    write_durably(folder / _CA_CERT, ca.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    cn: str, issuer: x509.Name, public: ec.EllipticCurvePublicKey, first: datetime, last: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)]))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    """Digital signatures for a leaf; certificates and revocation lists for the authority; nothing else for either."""
    return x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)  # in RFC 5280's order, 4.2.1.3


def _free_for_unit(unit: str) -> str:
    """`unit` where a unit may be called so: the broker lets whoever is called station read and write everything."""
    if check_unit(unit).startswith(STATION):
        raise ConfigError(
            "unit id",
            found=repr(unit),
            wanted=f"an id that does not begin with {STATION}",
            remedy="Names that begin so belong to receivers; choose another for the unit.",
        )
    return unit


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


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


def _utc(wall_ns: int) -> datetime:
    return datetime.fromtimestamp(wall_ns // SECOND, UTC)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time, among threads and processes; the kernel lets go when a process dies."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
    return _parsed(path, _p256, "a P-256 private key, PEM")


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


def _p256(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise TypeError(type(key).__name__)


def _x25519(text: bytes) -> x25519.X25519PrivateKey:
    return x25519.X25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True))


def _ed25519(text: bytes) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True))


def _garbled(path: Path, found: str, wanted: str) -> ConfigError:
    remedy = "Put the authority's folder back from its backup; a new one would not be believed by its units."
    return ConfigError(f"authority file {path}", found=found, wanted=wanted, remedy=remedy)
