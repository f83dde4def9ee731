"""What an IoT hub wants to hear, and how it answers, from one TOML file: no hub needs code of its own.

profiles/*.toml are ours and show what a file may hold; a user's own is named by its path. What a text may hold in
braces stands in NAMES; how times and others are written, in template.FILTERS.
"""

import base64
import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from edge.errors import ConfigError
from edge.uplink.template import Text, Values

OURS = Path(__file__).parent / "profiles"
MAX_BYTES = 65_536
KINDS = ("event", "alarm", "frames", "anchor", "gap", "boot", "audit")
DEVICE = ("unit", "device_id", "product_id", "version")
LOGIN = (*DEVICE, "secret", "now", "expires")
FILE = (*DEVICE, "id", "now", "file", "size", "result", "status")
STATE = (*DEVICE, "id", "now", "door", "open", "armed", "camera", "since")
NAMES: tuple[str, ...] = (
    *DEVICE,
    "id",
    "now",
    "kind",
    "epoch",
    "seq",
    "boot",
    "time",
    "clock",
    "error_ms",
    "change",
    "door",
    "open",
)
NAMES += ("expected", "reason", "what", "source", "detail", "by", "records", "frames", "sealed")
_HASHES = {"hmac-sha256": hashlib.sha256, "hmac-sha1": hashlib.sha1}


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class Value(_Table, frozen=True):
    """A text, or a signature of it, to be used by its name in what follows."""

    name: str
    function: Literal["text", "hmac-sha256", "hmac-sha1"]
    text: str
    key: str = ""
    key_encoding: Literal["text", "base64"] = "text"
    encoding: Literal["hex", "base64"] = "hex"


class Login(_Table, frozen=True):
    """As whom, made anew for each connection."""

    client_id: str
    user_name: str = ""
    password: str = ""
    value: tuple[Value, ...] = ()


class Said(_Table, frozen=True):
    """One message. kinds: of the records it tells."""

    topic: str
    payload: str
    kinds: tuple[str, ...] = ()
    retain: bool = False


class Reply(_Table, frozen=True):
    """Where and how the hub answers a record: `id`, `code` and `why` say where in its JSON, as a.b.c.

    Without `code`, or with one that is among `good`, it holds the record; unless it `refuses` on this topic.
    """

    topic: str
    id: str
    code: str = ""
    good: tuple[int | str, ...] = ()
    why: str = ""
    refuses: bool = False


class Command(_Table, frozen=True):
    """Where the hub's own commands come, and where in one our signed text may stand. `rest`: the topic's end."""

    topic: str
    text: str
    reply_topic: str = ""
    done: str = ""
    refused: str = ""


class Upload(_Table, frozen=True):
    """How a sealed picture gets there: asked for, answered with an address, put there by HTTPS, and told.

    `match` says which answers on `topic` are meant, by what stands where; `file` and `url`, where those stand in it.
    """

    ask: Said
    topic: str
    match: dict[str, str]
    file: str
    url: str
    tell: Said


class Profile(_Table, frozen=True):
    """The whole file."""

    name: str
    login: Login
    message: tuple[Said, ...]
    needs: tuple[Literal["device_id", "product_id", "secret"], ...] = ()
    mqtt: Literal["5", "3.1.1"] = "3.1.1"
    keepalive_s: int = 60
    receipt: Literal["puback", "reply"] = "puback"
    will: Said | None = None
    greet: tuple[Said, ...] = ()
    state: tuple[Said, ...] = ()
    reply: tuple[Reply, ...] = ()
    command: Command | None = None
    upload: Upload | None = None


def names() -> list[str]:
    """Our own profiles."""
    return sorted(path.stem for path in OURS.glob("*.toml"))


def load(name: str) -> Profile:
    """One of ours by its name, or any by its path. Raises ConfigError that says what, where, found and wanted."""
    path = Path(name) if "/" in name else OURS / f"{name}.toml"
    if "/" not in name and not path.exists():
        raise _wrong("cloud.profile", repr(name), f"one of {', '.join(names())}, or the path of a file")
    try:
        with path.open("rb") as file:
            return _read(file.read(MAX_BYTES + 1), path)
    except OSError as err:
        raise _wrong(f"profile {path}", err.strerror or err, "a readable TOML file") from err


def signed(value: Value, values: Values) -> str:
    """What stands for its name. Raises ValueError for a key that is no base64 where it ought to be."""
    text = Text(value.text).fill(values)
    if value.function == "text":
        return text
    key = Text(value.key).fill(values).encode()
    key = base64.b64decode(key, validate=True) if value.key_encoding == "base64" else key
    made = hmac.new(key, text.encode(), _HASHES[value.function]).digest()
    return made.hex() if value.encoding == "hex" else base64.b64encode(made).decode()


def logged_in(login: Login, values: Values) -> tuple[str, str, str]:
    """Client id, user name and password. Raises ValueError, as `signed`."""
    made = dict(values)
    for value in login.value:
        made[value.name] = signed(value, made)
    client_id, user_name, password = (Text(t).fill(made) for t in (login.client_id, login.user_name, login.password))
    return client_id, user_name, password


def at(tree: Any, path: str) -> Any:
    """What stands in JSON at a.0.c; None where nothing does."""
    for key in path.split("."):
        if isinstance(tree, list) and key.isdecimal() and len(key) < 5:
            tree = tree[int(key)] if int(key) < len(tree) else None
        else:
            tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _read(raw: bytes, path: Path) -> Profile:
    from edge.uplink.faults import faults  # which reads what is declared here

    if len(raw) > MAX_BYTES:
        raise _wrong(f"profile {path}", f"more than {MAX_BYTES} bytes", "a profile")
    try:
        made = msgspec.convert(tomllib.loads(raw.decode()), Profile)
    except (ValueError, RecursionError) as err:  # msgspec's, tomllib's and UTF-8's errors too
        raise _wrong(f"profile {path}", err, "a profile as edge/uplink/profile.py declares it") from err
    for where, found, wanted in faults(made):
        raise _wrong(f"profile {path}, {where}", found, wanted)
    return made


def _wrong(what: str, found: object, wanted: str) -> ConfigError:
    return ConfigError(what, found=found, wanted=wanted, remedy="`doorunit config explain cloud.profile` tells more.")
