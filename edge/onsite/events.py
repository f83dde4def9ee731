"""Which record a person means: the last one, one by its seq, or one by its epoch and seq. Asked of unit or spool."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import ConfigError
from edge.records import AnyRecord, Event
from edge.spool.peek import copied

JSON = dict[str, Any]


def wanted(wish: str) -> Callable[[AnyRecord], bool]:
    """Whether a record is the one that is meant. Raises ConfigError: no such name."""
    epoch, _, seq = wish.rpartition("/")
    if wish == "last":
        return lambda record: isinstance(record, Event)
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19):
        raise ConfigError(
            "event", found=wish[:60], wanted="a seq, epoch/seq, or last", remedy="`doorunit events` lists them."
        )
    return lambda record: record.seq == int(seq) and epoch in ("", record.epoch)


def waiting(folder: Path, wish: str) -> JSON:
    """What a spool that nobody has open still knows of one record, as the unit's answer to `why`.

    Raises PartError, CorruptError, ConfigError.
    """
    fits, found, before = wanted(wish), None, 0
    with copied(folder) as copy:
        for i, (_, record) in enumerate(copy.records() if copy is not None else ()):
            if fits(record):
                found, before = record, i
        if found is None or copy is None:
            return {"life": None, "waits": False}
        frames = copy.frames((found.epoch, found.seq))
    told = {"life": None, "waits": True, "record": msgspec.to_builtins(found), "before": before}
    return {**told, "frames": [frame.name for frame in frames]}
