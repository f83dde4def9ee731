"""How an IoT hub is spoken to, by its profile. Pure; lives in the deciding thread.

What a hub itself asks for is never obeyed: of what it sends, only a text that the platform has signed counts.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from edge.clock import Known, Stamp
from edge.errors import ConfigError
from edge.parts import Wish
from edge.records import Alarm, AnyRecord, Audit, Boot, Event, FrameSet, Gap, Key
from edge.uplink.other import Heard, Message
from edge.uplink.profile import KINDS, Profile, Said, at
from edge.uplink.template import Payload, Text
from edge.wire import Receipt

ASKED_MAX = 4096  # ids that a reply may still belong to: far more than are ever in flight


class Hub:
    """other.Speech by a profile. device: what its texts may say of this unit; now(): wall ns."""

    def __init__(self, profile: Profile, device: Mapping[str, str], now: Callable[[], int]) -> None:
        self.receipt: Literal["platform", "broker"] = "platform" if profile.receipt == "reply" else "broker"
        self._profile = profile
        self._device = device
        self._now = now
        self._by_kind = {kind: _Sayable(said) for said in profile.message for kind in said.kinds}
        self._id = now() // 10**9 % 10**8 * 10  # above those of earlier lives; fits into 31 bits
        self._asked: dict[str, Key] = {}
        self._replies = [(Text(reply.topic).fill(device), reply) for reply in profile.reply]
        self._upload = profile.upload
        self._addresses = "" if profile.upload is None else Text(profile.upload.topic).fill(device)
        self._orders = "" if profile.command is None else Text(profile.command.topic).fill(device)

    @property
    def subscribe(self) -> tuple[str, ...]:
        """Topics."""
        topics = [*(topic for topic, _ in self._replies), self._orders, self._addresses]
        return tuple(dict.fromkeys(topic for topic in topics if topic))

    @property
    def will(self) -> Message | None:
        """What the broker says once this unit is gone."""
        return None if self._profile.will is None else _Sayable(self._profile.will).say(self._device)

    def tell(self, record: AnyRecord, known: Callable[[Stamp], Known]) -> Message:
        """A record in the hub's words."""
        kind = _kind(record)
        values = self._common() | _of(record, kind, known(record.at))
        if self.receipt == "platform":
            self._asked[str(values["id"])] = (record.epoch, record.seq)
            if len(self._asked) > ASKED_MAX:
                del self._asked[next(iter(self._asked))]
        return self._by_kind[kind].say(values)

    def greet(self) -> list[Message]:
        """What is said at the beginning of each connection."""
        return [_Sayable(said).say(self._common()) for said in self._profile.greet]

    def part(self) -> list[Message]:
        """The last will, at an orderly end."""
        return [] if self.will is None else [self.will]

    def state(self, told: Mapping[str, Any]) -> list[Message]:
        """What is retained of the door: never kept for later, so what comes late cannot take its place."""
        values = {**self._common(), **told, "open": _is_open(str(told.get("door")))}
        return [_Sayable(said).say(values) for said in self._profile.state]

    def hear(self, topic: str, payload: bytes) -> Heard:
        """A receipt, a refusal, or a command; anything else says nothing."""
        try:
            tree = json.loads(payload)
        except (ValueError, RecursionError):
            return Heard()
        for wanted, reply in self._replies:
            if _matches(wanted, topic) is None:
                continue
            id_ = at(tree, reply.id)
            key = self._asked.get(str(id_)) if isinstance(id_, str | int) else None
            if key is None:
                return Heard()
            code = at(tree, reply.code) if reply.code else None
            if reply.refuses or (reply.code and code not in reply.good):
                why = at(tree, reply.why) if reply.why else None
                return Heard(refused=(key, f"{'' if code is None else code} {'' if why is None else why}".strip()))
            return Heard(receipt=Receipt(key[0], ((key[1], key[1]),)))
        upload = self._upload
        if upload is not None and topic == self._addresses:
            name, url = at(tree, upload.file), at(tree, upload.url)
            meant = all(at(tree, path) == value for path, value in upload.match.items())
            return Heard(upload=(name, url) if meant and isinstance(name, str) and isinstance(url, str) else None)
        return self._ordered(topic, tree)

    def file(self, said: Said, name: str, size_bytes: int | None = None, status: int | None = None) -> Message:
        """Of a picture on its way: asking, or telling the HTTP status that was answered."""
        values = {**self._common(), "file": name, "size": size_bytes, "status": status}
        return _Sayable(said).say({**values, "result": None if status is None else int(status // 100 != 2)})

    def _ordered(self, topic: str, tree: object) -> Heard:
        command = self._profile.command
        rest = _matches(self._orders, topic) if command is not None else None
        if command is None or rest is None:
            return Heard()
        text = at(tree, command.text)
        signed = text if isinstance(text, str) else None
        reply = None
        answer = command.refused if signed is None else command.done
        if command.reply_topic and answer:
            values = self._common() | {"rest": rest}
            reply = Message(Text(command.reply_topic).fill(values), Payload(answer).fill(values))
        return Heard(command=None if signed is None else signed.encode(), reply=reply)

    def _common(self) -> dict[str, Any]:
        self._id += 1
        return {**self._device, "id": self._id, "now": self._now()}


def wish(profile: Profile, wants: str) -> Wish:
    """What a hub is sent: the kinds that are wanted, as words with commas between. Raises ConfigError."""
    kinds = {word.strip() for word in wants.split(",") if word.strip()}
    told = {kind for said in profile.message for kind in said.kinds}
    for kind in sorted(kinds - set(KINDS)) or sorted(kinds - told):
        raise ConfigError(
            "cloud.wants",
            found=repr(kind),
            wanted=f"kinds that the profile {profile.name} tells: {', '.join(k for k in KINDS if k in told)}",
            remedy="`doorunit config explain cloud.wants` tells what it is for.",
        )
    return Wish("cloud", ",".join(sorted(kinds)), lambda record: _kind(record) in kinds)


class _Sayable:
    """A message whose texts are read."""

    def __init__(self, said: Said) -> None:
        self._topic, self._payload, self._retain = Text(said.topic), Payload(said.payload), said.retain

    def say(self, values: Mapping[str, Any]) -> Message:
        return Message(self._topic.fill(values), self._payload.fill(values), self._retain)


def _kind(record: AnyRecord) -> str:
    return str(record.__struct_config__.tag)


def _is_open(door: str) -> int | None:
    return {"open": 1, "held": 1, "shut": 0}.get(door)


def _of(record: AnyRecord, kind: str, known: Known) -> dict[str, Any]:
    """What a text may say of a record; see profile.NAMES."""
    said: dict[str, Any] = {"kind": kind, "epoch": record.epoch, "seq": record.seq, "boot": record.at.boot}
    said |= {"time": known.wall_ns, "clock": known.clock.value, "error_ms": known.error_ms}
    if isinstance(record, Event):
        said |= {"change": record.change.value, "door": record.door, "open": _is_open(record.door)}
        said |= {"expected": record.expected, "reason": record.reason or None}
    elif isinstance(record, Alarm):
        said |= {"what": record.what.value, "source": record.source.value, "detail": record.detail or None}
    elif isinstance(record, Gap):
        said |= {"reason": record.reason.value, "records": record.records, "frames": record.frames}
    elif isinstance(record, FrameSet):
        said |= {"frames": len(record.frames), "sealed": [frame.name for frame in record.frames]}
        said |= {"reason": record.missing or None}
    elif isinstance(record, Audit):
        said |= {"what": record.what, "by": record.by, "detail": msgspec.json.encode(record.detail).decode()}
    elif isinstance(record, Boot):
        said |= {"what": "clean" if record.clean else "cut", "detail": record.version}
    return said


def _matches(wanted: str, topic: str) -> str | None:
    """What the first wildcard of a subscription stands for in a topic, "" without; None where it does not fit."""
    levels, found = wanted.split("/"), topic.split("/")
    rest = ""
    for i, level in enumerate(levels):
        if level == "#":
            return "/".join(found[i:])
        if i >= len(found) or (level != "+" and level != found[i]):
            return None
        rest = rest or (found[i] if level == "+" else "")
    return rest if len(levels) == len(found) else None
