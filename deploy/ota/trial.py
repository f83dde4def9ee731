"""Whether a version on trial has proved itself: decided from what was seen of the unit, without a clock or a file.

Good: the service runs from the slot and has run steadily for a minute, the contact is read (or the unit is outside
its term, as it was before), the link is up and the platform gave a receipt since the start, and doctor finds nothing
that it did not find before the switch and that a program could be to blame for.

Bad: started anew three times by systemd, or three starts of the machine without a steady minute, or ten minutes in
which the platform could be reached and the above was not true.

The network is not held against it. Whether the platform can be reached is tried without the unit's own code (TLS with
its certificate to its broker); while it cannot, the ten minutes stand still, and the version, which meanwhile watches
the door and keeps what it records, is neither confirmed nor sent back. Nothing is lost by waiting: the spool belongs
to no slot. What is local still counts: a version that does not run, answer, or read its contact has its ten minutes
run on whether there is a network or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

DEADLINE_S = 600  # of time in which it could have proved itself: a Pi Zero starts the unit in one of these minutes
STEADY_S = 60
RESTARTS_MAX = 3
BOOTS_MAX = 3
LOOK_S = 30  # a longer pause between two looks counts as this: the machine slept, or was stopped
DOORS = ("shut", "open", "held")
# What no version of a program can be to blame for, or what the link and the receipt speak for already.
_NETWORK = ("net.", "link.", "receipt.", "phones.", "frames.", "command.", "certificate.", "identity.ending")
_PLACE = ("card.", "power.", "supply.", "heat.", "enclosure.", "tamper.", "clock.", "memory.")
OUTSIDE = (*_NETWORK, *_PLACE, "update.", "service.")


class Verdict(StrEnum):
    """What comes of one look."""

    WAIT = "wait"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Seen:
    """The unit from outside. answer: the agent's own, None without. causes: doctor's, None where it was not asked."""

    home: str  # the folder whose Python the service runs; "" where it does not run
    restarts: int  # by systemd, since the service was last started by anybody else
    answer: Mapping[str, Any] | None
    causes: frozenset[str] | None = None
    platform: bool = True  # whether it can be reached, without the unit's own code
    stopped: bool = False  # by a person, in order


@dataclass(frozen=True)
class Memory:
    """Of this boot's looks, in RAM; seconds of the boot clock."""

    looked_s: float | None = None
    spent_s: float = 0.0  # of the deadline
    steady_s: float | None = None  # since when it has run with the same process
    pid: int = 0


@dataclass(frozen=True)
class Step:
    """One look's outcome: the verdict, why, and what to remember."""

    verdict: Verdict
    why: str
    memory: Memory = field(default_factory=Memory)


def missing(seen: Seen, home: str, before: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What it still owes: of what is local, and of what needs the platform."""
    if seen.home != home:
        return [f"the service runs from {seen.home or 'nowhere'}, not from {home}"], []
    if seen.answer is None:
        return ["the agent does not answer"], []
    pulse = seen.answer.get("pulse", {})
    local = []
    watched = pulse.get("door") in DOORS
    unwatched = pulse.get("door") == "unwatched" and not before.get("watched")
    if not watched and not unwatched:
        local.append(
            f"the door is {pulse.get('door')}, and was {'watched' if before.get('watched') else 'not watched'}"
        )
    far = [] if seen.answer.get("link_up") else ["there is no link"]
    if seen.answer.get("last_receipt_s") is None:
        far.append("no receipt since its start")
    return local, far


def decide(seen: Seen, home: str, before: Mapping[str, Any], boots: int, memory: Memory, now_s: float) -> Step:
    """One look. `seen.causes` is asked for only once nothing else is missing: None then means wait."""
    if boots > BOOTS_MAX:
        return Step(Verdict.BAD, f"the machine started {boots} times, and it never ran steadily for {STEADY_S} s")
    if seen.stopped:
        return Step(Verdict.WAIT, "a person has stopped the service", Memory())
    if seen.restarts >= RESTARTS_MAX:
        return Step(Verdict.BAD, f"systemd had to start it anew {seen.restarts} times")
    local, far = missing(seen, home, before)
    said = seen.answer.get("pid") if seen.answer else 0
    pid = said if isinstance(said, int) else 0
    steady_s = now_s if local or pid != memory.pid or memory.steady_s is None else memory.steady_s
    since_s = 0.0 if memory.looked_s is None else min(max(0.0, now_s - memory.looked_s), LOOK_S)
    runs = bool(local) or not far or seen.platform
    memory = replace(
        memory, looked_s=now_s, steady_s=steady_s, pid=pid, spent_s=memory.spent_s + (since_s if runs else 0.0)
    )
    new = blamed(seen.causes or frozenset(), before)
    owes = [*local, *far, *(f"doctor finds {code}" for code in new)]
    if not owes and now_s - steady_s < STEADY_S:
        return Step(Verdict.WAIT, f"well for {now_s - steady_s:.0f} s of {STEADY_S} s", memory)
    if not owes and seen.causes is not None:
        return Step(Verdict.GOOD, "it has proved itself", memory)
    why = "; ".join(owes) or "doctor has given no answer"
    if memory.spent_s >= DEADLINE_S:
        return Step(Verdict.BAD, f"after {memory.spent_s:.0f} s: {why}", memory)
    return Step(Verdict.WAIT, why if runs else f"the platform cannot be reached by anybody here; {why}", memory)


def blamed(causes: frozenset[str], before: Mapping[str, Any]) -> list[str]:
    """Of doctor's causes, those that are new and that a program may be to blame for."""
    known = before.get("causes") or []
    return sorted(code for code in causes if code not in known and not code.startswith(OUTSIDE))


def is_steady(memory: Memory, now_s: float) -> bool:
    """Whether this boot has had its steady minute."""
    return memory.steady_s is not None and bool(memory.pid) and now_s - memory.steady_s >= STEADY_S
