"""What people on the machine may have the unit do. All but to blink leaves an Audit, with who it was."""

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from edge.errors import ConfigError
from edge.onsite.desk import Answer, Question
from edge.unit.agent import Unit

NOTE_MAX = 200
BY = "technician"


def requests(unit: Unit) -> dict[str, Question]:
    """All that can be requested of this unit, by name; each is called in the deciding thread."""
    return {name: partial(act, unit) for name, act in REQUESTS.items()}


def test(unit: Unit, args: Mapping[str, Any], answer: Answer) -> None:
    """A record that says nothing of the door, on the way that every record goes; its name, to ask `why` of."""
    audit = unit.crew.recorder.audit("test", BY, {"person": str(args["person"])})
    answer({"key": f"{audit.epoch}/{audit.seq}", "link_up": unit.crew.courier.up})


def mark(unit: Unit, args: Mapping[str, Any], answer: Answer) -> None:
    """A note among the records, which the platform gets."""
    note = args.get("note")
    if not isinstance(note, str) or not 0 < len(note) <= NOTE_MAX or not note.isprintable():
        raise ConfigError(
            "note",
            found="none, or one that does not fit",
            wanted=f"1 to {NOTE_MAX} characters on one line",
            remedy="Shorten it.",
        )
    audit = unit.crew.recorder.audit("mark", BY, {"person": str(args["person"]), "note": note})
    answer({"key": f"{audit.epoch}/{audit.seq}"})


def identify(unit: Unit, args: Mapping[str, Any], answer: Answer) -> None:
    """Blink and beep."""
    answer({"said": unit.crew.guard.identify({key: args[key] for key in ("for_s",) if key in args})})


def snap(unit: Unit, args: Mapping[str, Any], answer: Answer) -> None:
    """The last picture, masked, and sealed to the platform; within the term alone, and audited before it is given."""
    crew = unit.crew
    if not (crew.warden.looking and crew.photographer.can_snap):
        raise ConfigError(
            "snap",
            found="a camera that is off, or has given no picture",
            wanted="a term that has begun, and a camera that works",
            remedy="Outside its term a unit takes no pictures; `doorunit doctor` tells of the camera.",
        )
    audit = crew.recorder.audit("snap", BY, {"person": str(args["person"])})
    key = f"{audit.epoch}/{audit.seq}"
    crew.photographer.snap(
        audit,
        lambda name, sealed: answer({"key": key, "name": name, "sealed": base64.b64encode(sealed).decode()}),
    )


REQUESTS: dict[str, Callable[[Unit, Mapping[str, Any], Answer], None]] = {
    "test": test,
    "mark": mark,
    "identify": identify,
    "snap": snap,
}
