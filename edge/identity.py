"""Who this unit is, on disk: its id, its keys and certificate, and the platform's public keys.

Loading must stay light: cryptography is imported in `certificate_life` alone, and nacl nowhere here.
"""

import base64
import re
import shutil
from contextlib import suppress
from pathlib import Path

import msgspec

from edge.durable import PART, make_folder, sync_folder, trouble, write_durably
from edge.errors import ConfigError, PartError
from edge.secret import Secret

UNIT_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,31}")
KEY_BYTES = 32  # X25519 public key and Ed25519 seed alike (RFC 7748, RFC 8032)

_OLD = ".old"
_ABOUT, _KEY, _CERT, _SIGN, _CA = "identity.json", "unit.key", "unit.crt", "sign.key", "ca.crt"
_ENROL = "Enrol this unit again, or copy the folder back from where it was issued."


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One unit. Key and certificates are paths because ssl and requests read files, not bytes."""

    unit: str
    seal_key: bytes  # the platform's X25519 public key: what frames are sealed to
    seal_key_id: str
    command_key: bytes  # the platform's Ed25519 public key: what commands are signed with
    sign_seed: Secret  # Ed25519: what frames are signed with
    token_id: str = ""  # sha256 of the token it was enrolled by, where there was one
    ends_ns: int = 0  # UTC: when its certificate ends; 0: only `certificate_life` knows
    key_file: Path  # this unit's TLS key, PEM
    cert_file: Path  # its certificate, PEM; CN = unit
    ca_file: Path  # who signs brokers and stations, PEM


class _About(msgspec.Struct):
    """identity.json. Fields a later version adds are passed over, so that a rolled-back unit still starts."""

    unit: str
    seal_key: str
    seal_key_id: str
    command_key: str
    token_id: str = ""
    ends_ns: int = 0


def check_unit(unit: str) -> str:
    """`unit` itself, where it is a unit id. Raises ConfigError; an id goes into topics, paths and certificates."""
    if UNIT_ID.fullmatch(unit):
        return unit
    raise ConfigError(
        "unit id",
        found=repr(unit),
        wanted="2 to 32 of a-z, 0-9 and -, not beginning with -",
        remedy="Use the id on the unit's label.",
    )


def exists(folder: Path) -> bool:
    """Whether an identity was ever saved in `folder`; it may be garbled."""
    return _settled(folder).is_dir()


def load(folder: Path) -> Identity:
    """The identity in `folder`. Raises ConfigError that names the file which is missing or cannot be read."""
    here = _settled(folder)
    if not here.is_dir():
        raise ConfigError(
            f"identity folder {folder}",
            found="no such folder",
            wanted="the identity this unit was enrolled with",
            remedy="Enrol this unit; unit.state_dir says where the folder is looked for.",
        )
    about = _about(here / _ABOUT)
    for name, mark in ((_KEY, b"PRIVATE KEY-----"), (_CERT, b"-----BEGIN CERT"), (_CA, b"-----BEGIN CERT")):
        if mark not in _read(here / name):
            raise _garbled(here / name, "no PEM block of its kind", "PEM")
    return Identity(
        unit=check_unit(about.unit),
        seal_key=_key(about.seal_key, here / _ABOUT, "seal_key"),
        seal_key_id=about.seal_key_id,
        command_key=_key(about.command_key, here / _ABOUT, "command_key"),
        sign_seed=Secret(_key(_read(here / _SIGN).strip(), here / _SIGN, "the file")),
        token_id=about.token_id,
        ends_ns=about.ends_ns,
        key_file=here / _KEY,
        cert_file=here / _CERT,
        ca_file=here / _CA,
    )


def save(
    folder: Path,
    *,
    unit: str,
    seal_key: bytes,
    seal_key_id: str,
    command_key: bytes,
    sign_seed: bytes,
    key_pem: bytes,
    cert_pem: bytes,
    ca_pem: bytes,
    token_id: str = "",
    ends_ns: int = 0,
) -> Identity:
    """Put a whole identity on the card, in place of any other, and return it as loaded.

    A power cut leaves the old one or the new one, never the key of one and the certificate of the other.
    Raises ConfigError (the id), PartError (the card).
    """
    check_unit(unit)
    about = _About(
        unit,
        base64.b64encode(seal_key).decode(),
        seal_key_id,
        base64.b64encode(command_key).decode(),
        token_id,
        ends_ns,
    )
    files = {
        _KEY: (key_pem, 0o600),
        _SIGN: (base64.b64encode(sign_seed) + b"\n", 0o600),
        _CERT: (cert_pem, 0o644),
        _CA: (ca_pem, 0o644),
        _ABOUT: (msgspec.json.format(msgspec.json.encode(about)) + b"\n", 0o644),
    }
    part = _beside(folder, PART)
    try:
        make_folder(folder.parent)
        _finish(folder)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        for name, (data, mode) in files.items():
            write_durably(part / name, data, mode)
        load(part)  # what cannot be read back must not take the place of what can
        _swap(folder)
    except PartError:
        raise
    except OSError as err:
        raise trouble(f"identity folder {folder}", err) from err
    return load(folder)


def certificate_life(path: Path) -> tuple[int, int]:
    """(not_before_ns, not_after_ns) of a PEM certificate, in UTC ns since 1970. Raises ConfigError."""
    from cryptography import x509  # heavy: `doorunit run` must start without it

    pem = _read(path)
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, x509.InvalidVersion) as err:
        raise _garbled(path, "something that is no certificate", "a PEM certificate") from err
    return int(first.timestamp()) * 1_000_000_000, int(last.timestamp()) * 1_000_000_000


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(folder.name + suffix)


def _settled(folder: Path) -> Path:
    """Where the identity is: a cut between the renames of `_swap` leaves the new one, whole, under its temp name."""
    part, old = _beside(folder, PART), _beside(folder, _OLD)
    return part if not folder.exists() and old.exists() and part.exists() else folder


def _finish(folder: Path) -> None:
    """Do what a cut left undone of an earlier `_swap`."""
    if _settled(folder) != folder:
        _beside(folder, PART).rename(folder)
        sync_folder(folder.parent)
    shutil.rmtree(_beside(folder, _OLD), ignore_errors=True)


def _swap(folder: Path) -> None:
    """The folder under its temp name takes the place of `folder`. Each step is on the card before the next."""
    part, old = _beside(folder, PART), _beside(folder, _OLD)
    sync_folder(folder.parent)
    with suppress(FileNotFoundError):
        folder.rename(old)
        sync_folder(folder.parent)
    part.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _about(path: Path) -> _About:
    try:
        return msgspec.json.decode(_read(path), type=_About)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise _garbled(
            path, str(err), '{"unit": ..., "seal_key": ..., "seal_key_id": ..., "command_key": ...}'
        ) from err


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        remedy = "Run as the unit's user, or with sudo." if isinstance(err, PermissionError) else _ENROL
        raise ConfigError(
            f"identity file {path}",
            found=(err.strerror or str(err)).lower(),
            wanted="a file this user can read",
            remedy=remedy,
        ) from err


def _key(text: str | bytes, path: Path, name: str) -> bytes:
    """32 bytes from base64. The message never repeats what was found: it may be half of a key."""
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as err:
        raise _garbled(path, f"{name} is not base64", f"base64 of {KEY_BYTES} bytes") from err
    if len(key) != KEY_BYTES:
        raise _garbled(path, f"{name} holds {len(key)} bytes", f"base64 of {KEY_BYTES} bytes")
    return key


def _garbled(path: Path, found: str, wanted: str) -> ConfigError:
    return ConfigError(f"identity file {path}", found=found, wanted=wanted, remedy=_ENROL)
