"""What a release says of itself, and whose word that is: an Ed25519 signature by one of the keys this unit trusts.

A manifest file is JSON: {"signed": TEXT, "signature": base64}; TEXT is itself JSON, and its very bytes are signed.
openssl verifies, because every Raspberry Pi OS has it, and its file format for keys is the one people know.
"""

import base64
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

SCHEMA = 1
MANIFEST_MAX = 65_536
PACKAGE_MAX = 200_000_000
UNPACKED_MAX = 1_000_000_000
KEYS_MAX = 4
OPENSSL_S = 20
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,119}\.deb")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~-]{0,59}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

Verify = Callable[[bytes, bytes, str], bool]  # message, signature, public key as PEM


class Refusal(ValueError):
    """An update that is not taken: what, what was found, what is wanted."""

    def __init__(self, what: str, found: object, wanted: str) -> None:
        super().__init__(f"{what}: found {found}; want {wanted}")


@dataclass(frozen=True)
class Manifest:
    """One release. counter: when its commit was made, s since 1970: later releases have larger ones."""

    name: str
    version: str  # the package's
    arch: str
    python: str
    file: str
    size: int  # bytes
    sha256: str
    unpacked: int  # bytes in the slot
    counter: int
    floor: int  # once this release has proved itself, nothing below is taken any more
    not_before: int = 0  # UTC s; the channel does not offer it earlier
    keys: tuple[str, ...] = ()  # PEM; where given, all the keys that count once this release has proved itself

    def to_json(self) -> str:
        """As it is signed."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True)


def seal(told: Manifest, signature: bytes) -> bytes:
    """The manifest file."""
    return json.dumps({"signed": told.to_json(), "signature": base64.b64encode(signature).decode()}).encode() + b"\n"


def read(raw: bytes, keys: Sequence[str], verify: Verify | None = None) -> Manifest:
    """The manifest in a file that one of `keys` signed. Raises Refusal."""
    if len(raw) > MANIFEST_MAX:
        raise Refusal("manifest", f"{len(raw)} bytes or more", f"at most {MANIFEST_MAX}")
    if not keys:
        raise Refusal("release keys", "none on this unit", "a package built with --release-key")
    try:
        envelope = json.loads(raw)
        signed, signature = envelope["signed"].encode(), base64.b64decode(envelope["signature"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise Refusal("manifest", "something else", '{"signed": ..., "signature": ...}') from err
    check = verify or by_openssl
    if not any(check(signed, signature, key) for key in keys):
        raise Refusal("manifest", "a signature by none of this unit's release keys", "one that deploy/ota/sign.py made")
    return parse(signed.decode())


def parse(text: str) -> Manifest:
    """What was signed, with everything within its bounds. Raises Refusal."""
    try:
        told = json.loads(text)
        if told.pop("schema") != SCHEMA or told.keys() != {field.name for field in fields(Manifest)}:
            raise Refusal("manifest", "other fields, or another schema", f"schema {SCHEMA}")
        made = Manifest(**{**told, "keys": tuple(told["keys"])})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise err if isinstance(err, Refusal) else Refusal("manifest", "something else", "a signed release") from err
    _check(made)
    return made


def _check(made: Manifest) -> None:
    texts = (made.name, made.version, made.arch, made.python)
    if not all(isinstance(text, str) and _WORD.fullmatch(text) for text in texts):
        raise Refusal("manifest", "a name, version, arch or python that is no plain word", "letters, digits, . + ~ -")
    if not (isinstance(made.file, str) and _FILE.fullmatch(made.file)):
        raise Refusal("manifest", f"the file name {made.file!r}", "NAME.deb, with no folder")
    if not (isinstance(made.sha256, str) and _DIGEST.fullmatch(made.sha256)):
        raise Refusal("manifest", "no sha256", "64 hex digits")
    bounds = {"size": PACKAGE_MAX, "unpacked": UNPACKED_MAX, "counter": 2**53, "floor": 2**53, "not_before": 2**53}
    for name, most in bounds.items():
        number = getattr(made, name)
        if type(number) is not int or not 0 <= number <= most:
            raise Refusal(f"manifest's {name}", number, f"0 to {most}")
    if made.floor > made.counter:
        raise Refusal("manifest's floor", made.floor, f"at most its counter, {made.counter}")
    if len(made.keys) > KEYS_MAX or not all(isinstance(key, str) and "PUBLIC KEY" in key for key in made.keys):
        raise Refusal("manifest's keys", "something else", f"at most {KEYS_MAX} public keys as PEM")


def by_openssl(message: bytes, signature: bytes, key: str) -> bool:
    """Whether it is that key's signature. Raises Refusal where there is no openssl."""
    with tempfile.TemporaryDirectory(prefix="doorunit-verify.") as temporary:
        folder = Path(temporary)
        for name, data in (("message", message), ("signature", signature), ("key.pem", key.encode())):
            (folder / name).write_bytes(data)
        return _openssl(folder, "pkey", "-pubin", "-in", "key.pem", "-noout", "-text", said=b"ED25519") and _openssl(
            folder,
            "pkeyutl",
            "-verify",
            "-rawin",
            "-pubin",
            "-inkey",
            "key.pem",
            "-sigfile",
            "signature",
            "-in",
            "message",
        )


def _openssl(folder: Path, *words: str, said: bytes = b"") -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["/usr/bin/openssl", *words], cwd=folder, capture_output=True, timeout=OPENSSL_S, check=False
        )
    except OSError as err:
        raise Refusal("/usr/bin/openssl", err.strerror, "Debian's package openssl") from err
    return done.returncode == 0 and said in done.stdout
