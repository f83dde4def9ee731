"""Takes secrets out of text: those this unit knows, in every form they take, and what has the form of one."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import msgspec

from edge.config import FILE_MAX_BYTES, Config, settings
from edge.errors import ConfigError
from edge.onsite import bootfile
from edge.secret import Secret

HIDDEN = "***"
SHORTEST = 4  # bytes; hiding anything shorter would hide half the text, and tell what it was
_NAMES = sorted({one.name.partition(".")[2] for one in settings() if one.secret})
_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_URL = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/@\"'<>]*@)?([^\s/?#\"'<>\\]+)[/?#][^\s\"'<>]*", re.IGNORECASE)
_USER = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@\"'<>]+@", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<name>[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|seed|page[_-]?code|psk)"
    r"[\"']?\s*[:=]\s*[\"']?)(?!null\b)(?P<value>[^\s\"',;}&]+)",  # null: that there is none
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{8,}")
_LONG = re.compile(r"(?<![A-Za-z0-9+/_=-])(?=[A-Za-z0-9+/_-]*[A-Z])(?=[A-Za-z0-9+/_-]*[a-z])[A-Za-z0-9+/_-]{40,}={0,2}")


class Scrub:
    """Hides these secrets, and their lines, wherever `clean` meets them."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        forms = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
        self._forms = sorted(forms, key=len, reverse=True)  # a secret that holds another goes whole

    def clean(self, text: str) -> str:
        """`text` without what is secret; of an address its host stays."""
        text = _BLOCK.sub(HIDDEN, text)
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        text = _USER.sub(rf"\1{HIDDEN}@", text)
        text = _URL.sub(rf"\1\2/{HIDDEN}", text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        text = _NAMED.sub(rf"\g<name>{HIDDEN}", text)
        return _LONG.sub(HIDDEN, text)


def known(config: Config, config_file: Path) -> Iterator[bytes]:
    """Every secret this machine holds, as far as it can be read: settings, identity, what it enrols by."""
    for section in msgspec.structs.astuple(config):
        yield from (value.reveal() for value in msgspec.structs.astuple(section) if isinstance(value, Secret))
    yield from _written(config_file)
    state = Path(config.unit.state_dir)
    with suppress(OSError):
        for path in sorted(state.rglob("*.key")):
            yield from (line.strip() for line in path.read_bytes().splitlines())
    try:
        file = bootfile.read(Path(config.unit.enrol_file))
    except ConfigError:  # none, used up, or broken
        yield from _written(Path(config.unit.enrol_file))
        return
    yield from (one.reveal() for one in (file.token, file.page_code) if one is not None)


def redacted(config: Config) -> dict[str, dict[str, object]]:
    """All settings; of one that is declared a secret only whether it is set."""
    told: dict[str, dict[str, object]] = {}
    for one in settings():
        section, _, key = one.name.partition(".")
        value = getattr(getattr(config, section), key)
        told.setdefault(section, {})[key] = HIDDEN if one.secret and value is not None else value
    return told


def _written(path: Path) -> Iterator[bytes]:
    """What stands as a text after a secret's name in a file that may be no TOML."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_MAX_BYTES)
    except OSError:
        return
    names = "|".join([*_NAMES, "page_code"])
    for line in raw.decode(errors="replace").splitlines():
        found = re.match(rf"\s*#?\s*[\w.]*(?:{names})\s*=\s*[\"']?([^\"'\s]+)", line[:2000])
        if found:
            yield found[1].encode()


def _parts(secret: bytes) -> Iterator[bytes]:
    """The whole, and the pieces of an address that are long enough to be a key."""
    yield secret
    if b"://" in secret:
        yield from (part for part in re.split(rb"[/:@?&=,]", secret) if len(part) >= 2 * SHORTEST)


def _forms(secret: bytes) -> Iterator[str]:
    """As it stands, and as base64, hex, in an address and in JSON."""
    if len(secret) < SHORTEST or secret.startswith(b"-----"):
        return
    made = [base64.b64encode(secret), base64.urlsafe_b64encode(secret), binascii.hexlify(secret)]
    yield from (form.decode() for form in made)
    yield made[2].decode().upper()
    with suppress(UnicodeDecodeError):
        text = secret.decode()
        yield from (text, quote(text, safe=""), json.dumps(text)[1:-1])
    with suppress(ValueError):  # a key that is stored in base64: what is used, and shown, may be its bytes
        raw = base64.b64decode(secret, validate=True)
        if len(raw) >= 2 * SHORTEST:
            yield binascii.hexlify(raw).decode()
