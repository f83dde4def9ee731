"""Real messages, bent: one edit of a JSON value that its decoder may not expect, or one injury to its bytes.

Whoever calls gives `pick`, which takes one of several: Hypothesis draws (and then finds the smallest that fails),
Atheris throws dice.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Json = Any
Pick = Callable[[Sequence[Any]], Any]
Way = tuple[Any, ...]


class Raw(bytes):
    """JSON text as it is to stand there, for what Python's own values cannot say."""


class Pairs(list[tuple[str, Json]]):
    """An object as its pairs, in order: a key may come twice."""


DEPTHS = (60, 500, 5000, 100_000) * 30 + tuple(range(880, 1000))  # the last: where one reader's limit is not the next's
INTS = [0, -1, 1, 2, 255, 2**31, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**40]
TIMES = ["", "Z", "0001-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-02-30T00:00:00Z", "now"]
TIMES += ["2026-11-18T11:06:41.1_1Z", "2026-11-18T11:06:41.-5Z", "2026-11-18T11:06:41+08:00", "2026-W47-3", "20261118"]
TIMES += ["2026-11-18T11:06:41Z", "2026-11-18T11:06:41.5ZZ", "2026-11-18T24:00:00Z", "2026-11-18t11:06:41z"]
WORDS = [
    "\0",
    "\ufeff",
    "\u202e",
    "é",
    "门",
    "\U0001f6aa",
    "a" * 10_000,
    "../../etc/passwd",
    "door-1/",
    "+",
    "#",
    "$SYS",
]
WORDS += ["door-2", "e1", "%s%n", "' OR 1=1 --", "1e3", "null", "-0", "\uffff", " ", "\n", "x" * 70_000]
RAW = [
    Raw(word) for word in (b"1e999", b"-1e999", b"1E308", b"NaN", b"Infinity", b"-0", b"01", b"0.1e-400", b"1" * 5000)
]
RAW += [Raw(word) for word in (b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b"")]
PLAIN: list[Json] = [None, True, False, 0.5, -0.0, 1e308, [], {}, [[]], [{}], {"": None}, {"warnings": 1}]
ODD = [*PLAIN, *INTS, *TIMES, *WORDS, *RAW]
LIKE = {int: INTS, str: [*TIMES, *WORDS]}  # what passes a check of types
EDITS = (
    "like",
    "like",
    "like",
    "like",
    "odd",
    "odd",
    "drop",
    "twice",
    "rename",
    "add",
    "nudge",
    "wrap",
    "as text",
    "many",
)
EDITS += ("deep", "deep more")
HURTS = ("cut", "set", "put", "flip", "double", "utf-16", "bom")


def text(value: Json) -> bytes:
    """The value as JSON; Raw and Pairs as they say."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, dict | Pairs):
        pairs = value if isinstance(value, Pairs) else value.items()
        return b"{" + b",".join(text(str(key)) + b":" + text(member) for key, member in pairs) + b"}"
    if isinstance(value, list | tuple):
        return b"[" + b",".join(text(member) for member in value) + b"]"
    return json.dumps(value, ensure_ascii=isinstance(value, str) and len(value) % 2 == 0).encode(errors="replace")


def nest(opening: bytes, depth: int) -> Raw:
    """Brackets, this deep."""
    return Raw(opening * depth + b"1" + (b"]" if opening == b"[" else b"}") * depth)


def bend(value: Json, pick: Pick) -> Json:
    """The value with one edit somewhere in it; `text` writes it."""
    edit = pick(EDITS)
    way = pick(list(_ways(value)))
    target = value
    for key in way:
        target = target[key]
    new = nest(pick((b"[", b'{"a":')), pick(DEPTHS)) if edit.startswith("deep") else pick(LIKE.get(type(target), ODD))
    return _changed(value, way, edit, pick(ODD) if edit == "odd" else new)


def spoil(raw: bytes, pick: Pick) -> bytes:
    """The bytes cut, changed, doubled, or in another encoding."""
    how = pick(HURTS)
    if how == "utf-16":
        return raw.decode(errors="replace").encode("utf-16", "replace")
    if how == "bom":
        return b"\xef\xbb\xbf" + raw
    at = pick(range(len(raw) + 1))
    if how == "cut":
        return raw[:at]
    if how == "double":
        return raw + raw[at:]
    if how == "flip" and at < len(raw):
        return raw[:at] + bytes([raw[at] ^ 1 << pick(range(8))]) + raw[at + 1 :]
    return raw[:at] + bytes([pick(range(256))]) + raw[at + (how == "set") :]


def bend_json(raw: bytes, pick: Pick) -> bytes:
    """A message in JSON, bent, and now and then spoilt; what is no JSON (any more) is only spoilt."""
    if pick(range(8)) == 0:
        return spoil(raw, pick)
    try:
        return text(bend(json.loads(raw), pick))
    except (ValueError, RecursionError):
        return spoil(raw, pick)


def _ways(value: Json, way: Way = ()) -> Iterator[Way]:
    """Where an edit can be made, as the keys that lead there; not further down than anything of ours goes."""
    yield way
    if len(way) > 6:
        return
    pairs: Any = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value[:8])
    for key, member in pairs:
        yield from _ways(member, (*way, key))


def _changed(value: Json, way: Way, edit: str, new: Json) -> Json:
    """A copy of `value` with the edit made there."""
    if not way:
        return _edited(value, edit, new)
    key, rest = way[0], way[1:]
    if isinstance(value, dict):
        if not rest and edit in ("drop", "twice", "rename"):
            return _of_pair(value, key, edit, new)
        return {**value, key: _changed(value[key], rest, edit, new)}
    members = list(value)
    if not rest and edit == "drop":
        del members[key]
        return members
    members[key] = _changed(members[key], rest, edit, new)
    return members


def _of_pair(value: dict[str, Json], key: str, edit: str, new: Json) -> Json:
    if edit == "drop":
        return {name: member for name, member in value.items() if name != key}
    if edit == "twice":
        return Pairs([(key, new), *value.items()] if new else [*value.items(), (key, new)])
    return {(f"{name}s" if name == key else name): member for name, member in value.items()}


def _edited(value: Json, edit: str, new: Json) -> Json:
    if edit == "nudge" and type(value) is int:
        return value + (1 if new else -1)
    if edit in ("add", "deep more") and isinstance(value, dict):
        return {**value, "more": new}
    if edit == "add" and isinstance(value, list):
        return [*value, new]
    if edit == "as text":
        return text(value).decode(errors="replace")
    if edit in ("wrap", "many"):
        return [value] * (1 if edit == "wrap" else 50)
    return new
