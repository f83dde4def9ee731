"""The platform's key and a stranger's, and what it takes to be obeyed, worked out a second time."""

import base64
import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from edge.wire import Command, rfc3339

PLATFORM = SigningKey(bytes(range(32)))
STRANGER = SigningKey(bytes(32))
VERIFY_KEY = bytes(PLATFORM.verify_key)
DEEP = 200  # brackets
LIFE_MAX_NS = 7 * 86_400 * 10**9
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", re.ASCII)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_KINDS = {"id": str, "unit": str, "verb": str, "not_before": str, "expires": str}


def signed(text: bytes, key: SigningKey = PLATFORM) -> bytes:
    """A command's text as it travels."""
    signature = base64.b64encode(key.sign(text).signature).decode()
    return json.dumps({"command": text.decode(errors="replace"), "signature": signature}).encode()


def order(
    now_ns: int, *, id_: str = "c1", unit: str = "door-1", verb: str = "pulse", life_ns: int = 3600 * 10**9
) -> bytes:
    """A command's text, valid from a minute ago."""
    first_ns = now_ns - 60 * 10**9
    wish = Command(id_, unit, verb, rfc3339(first_ns), rfc3339(first_ns + life_ns))
    return json.dumps({name: getattr(wish, name) for name in wish.__struct_fields__}).encode()


def genuine(payload: bytes) -> tuple[dict[str, Any] | None, bool]:
    """The command in it, where the platform signed one that has the agreed form; None for anything else.

    And whether any reader must agree.
    """
    loader = Loader()
    try:
        message = loader.load(payload.decode(errors="replace"))
        text = message["command"].encode()
        PLATFORM.verify_key.verify(text, base64.b64decode(message["signature"], validate=True))
        wish = loader.load(text.decode())
        fields = {name: wish[name] for name in _KINDS} | {"args": wish.get("args", {})}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadSignatureError):
        return None, loader.plain
    whole = all(isinstance(fields[name], kind) for name, kind in _KINDS.items()) and isinstance(fields["args"], dict)
    timed = whole and None not in (wall_ns(fields["not_before"]), wall_ns(fields["expires"]))
    return fields if timed else None, loader.plain


class Loader:
    """JSON that remembers what readers differ in.

    A key that comes twice, deep nesting, NaN, a number beyond a double, half of a surrogate pair.
    """

    def __init__(self) -> None:
        self.plain = True  # there was none of these

    def load(self, text: str) -> Any:
        """Raises ValueError, RecursionError."""
        self.plain = self.plain and text.count("[") + text.count("{") < DEEP
        self.plain = self.plain and not _SURROGATE.search(text)
        return json.loads(text, parse_constant=self._number, parse_float=self._number, object_pairs_hook=self._object)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        self.plain = self.plain and len(made) == len(pairs)
        return made

    def _number(self, digits: str) -> float:
        value = float(digits)
        self.plain = self.plain and math.isfinite(value)
        return value


def wall_ns(time: str) -> int | None:
    """RFC 3339 in UTC, as ns since 1970; None where it is no such time."""
    match = _TIME.fullmatch(time)
    if match is None:
        return None
    try:
        whole = datetime.fromisoformat(f"{match[1]}+00:00").astimezone(UTC)
    except ValueError:
        return None
    return int(whole.timestamp()) * 10**9 + int((match[2] or "").ljust(9, "0")[:9])


def due(wish: dict[str, Any], now_ns: int, *, unit: str, verbs: tuple[str, ...], done: set[str]) -> bool:
    """Whether a unit that knows the time is to do this now."""
    first_ns, last_ns = wall_ns(wish["not_before"]), wall_ns(wish["expires"])
    assert first_ns is not None
    assert last_ns is not None
    timely = first_ns <= now_ns <= last_ns and last_ns - first_ns <= LIFE_MAX_NS
    return timely and wish["unit"] == unit and wish["verb"] in verbs and wish["id"] not in done
