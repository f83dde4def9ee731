"""Text and JSON with placeholders: `{time|ms}`, `{device_id}`. Pure.

A JSON text that is one placeholder and nothing else becomes a value of its own type, and where that is not known the
key is left out. Filters follow a bar, one after the other. Braces that hold anything but a name stay as they are.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from edge.wire import rfc3339

Values = Mapping[str, Any]
_PLACE = re.compile(r"\{([a-z_]+)((?:\|[A-Za-z-]+)*)\}")


def _as(form: str) -> Callable[[int], str]:
    return lambda wall_ns: datetime.fromtimestamp(wall_ns // 10**9, UTC).strftime(form)


FILTERS: dict[str, Callable[[Any], Any]] = {
    "ms": lambda wall_ns: wall_ns // 10**6,
    "s": lambda wall_ns: wall_ns // 10**9,
    "iso": rfc3339,
    "yyyyMMddHH": _as("%Y%m%d%H"),
    "yyyyMMddTHHmmssZ": _as("%Y%m%dT%H%M%SZ"),
    "text": str,
    "bool": bool,
    "url": lambda value: quote(str(value), safe=""),
    "upper": lambda value: str(value).upper(),
}


class Text:
    """One text with placeholders. Raises ValueError for a filter that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lone = _PLACE.fullmatch(text)
        for name in self._filters():
            if name not in FILTERS:
                raise ValueError(f"filter {name!r} in {text!r}; want one of {', '.join(FILTERS)}")

    @property
    def names(self) -> set[str]:
        """What it needs."""
        return {place[1] for place in _PLACE.finditer(self.text)}

    def fill(self, values: Values) -> str:
        """As text; what is not known is empty."""
        return _PLACE.sub(lambda place: "" if (value := _value(place, values)) is None else str(value), self.text)

    def typed(self, values: Values) -> Any:
        """The value of a text that is one placeholder, or the text."""
        return _value(self._lone, values) if self._lone else self.fill(values)

    def _filters(self) -> Iterator[str]:
        for place in _PLACE.finditer(self.text):
            yield from place[2].split("|")[1:]


class Payload:
    """JSON where it begins as JSON does, else plain text. Raises ValueError."""

    def __init__(self, text: str) -> None:
        is_json = text.lstrip()[:1] in ("{", "[") and not _PLACE.match(text.strip())
        self._body = _planted(json.loads(text)) if is_json else Text(text)
        self.is_json = is_json

    @property
    def names(self) -> set[str]:
        """What it needs."""
        return {name for text in _texts(self._body) for name in text.names}

    def fill(self, values: Values) -> bytes:
        """As it travels."""
        if isinstance(self._body, Text):
            return self._body.fill(values).encode()
        return json.dumps(_filled(self._body, values), ensure_ascii=False, separators=(",", ":")).encode()


def _value(place: re.Match[str], values: Values) -> Any:
    value = values.get(place[1])
    for name in place[2].split("|")[1:]:
        value = None if value is None else FILTERS[name](value)
    return value


def _planted(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _planted(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_planted(value) for value in tree]
    return Text(tree) if isinstance(tree, str) else tree


def _texts(tree: Any) -> Iterator[Text]:
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for part in parts:
        yield from _texts(part)
    if isinstance(tree, Text):
        yield tree


def _filled(tree: Any, values: Values) -> Any:
    if isinstance(tree, dict):
        made = {key: (value, _filled(value, values)) for key, value in tree.items()}
        return {key: after for key, (before, after) in made.items() if after is not None or before is None}
    if isinstance(tree, list):
        return [_filled(value, values) for value in tree]
    return tree.typed(values) if isinstance(tree, Text) else tree
