"""What is done about a unit that does not do its work: as little as its cause asks for, and only so often.

    server   up to whoever runs it: waiting helps, touching the unit does not. Nothing is done, ever
    network  the interfaces are taken down and up again, after 5 min, then after pauses that double up to an hour
    card     a restart of the machine may wake a card that hangs; only when nothing that is in RAM would be lost by it
    unit     the process is restarted after 5 min (systemd did so all the time), the machine after 15 min
             before that, a version whose files the card has spoilt makes way: doorunit-update's judge

A machine that was restarted three times within a day is not restarted again before the day is over. It runs from a
timer, as root, with the system's own python3, and takes what it knows from systemd: the unit's status line tells
its causes by name. A unit that a person stopped, or that was never enrolled, is left alone.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

SERVICE = "doorunit.service"
JUDGE = "doorunit-update-judge.service"  # also looks whether the card has spoilt the version that crashes
SHOWN = "LoadState,ActiveState,Result,ConditionResult,StatusText,ActiveEnterTimestampMonotonic"
MEMORY = Path("/run/doorunit-recovery.json")  # in RAM: of this boot
HISTORY = Path("/var/lib/doorunit-recovery/reboots.json")  # on the card, written only when the machine is restarted

WAITS = "waits to be enrolled"  # perhaps for hours, until a person accepts it

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
NETWORK_AFTER_S = 5 * MINUTE_S
NETWORK_PAUSES_S = tuple(m * MINUTE_S for m in (5, 10, 20, 40, 60))
RESETS_A_DAY = 24
STEADY_S = 2 * MINUTE_S  # a unit that has run this long runs
RESTART_AFTER_S = 5 * MINUTE_S
REBOOT_AFTER_S = 15 * MINUTE_S
CARD_AFTER_S = HOUR_S
REBOOT_PAUSES_S = (0, HOUR_S, 6 * HOUR_S)  # since the last one, by how many there were within a day
CARD_REBOOTS_A_DAY = 1
RUN_S = 120  # a whole slot read from a slow card; systemd gives this script 180 s
WARM_UP_S = 3 * MINUTE_S  # after a boot all is given this long

_CODE = re.compile(r"\b([a-z]+\.[a-z]+) for (\d+) s\b")
_BACKLOG = re.compile(r"\bbacklog (\d+)\b")
_CARD = ("spool.failing", "spool.slow")


class Act(StrEnum):
    """What is done, mildest first."""

    NOTHING = "nothing"
    RESET = "take the network interfaces down and up"
    RESTART = "restart the process"
    REBOOT = "restart the machine"


@dataclass(frozen=True)
class Seen:
    """The unit from outside. running_s: None unless it runs. causes: code -> since how many seconds."""

    wanted: bool  # enrolled, and no person stopped it
    running_s: float | None
    causes: Mapping[str, int] = field(default_factory=dict)
    backlog: int | None = None


@dataclass(frozen=True)
class Memory:
    """What was done in this boot; seconds of the boot clock."""

    unwell_s: float | None = None  # since when it does not run steadily
    restarted_s: float | None = None
    resets_s: tuple[float, ...] = ()
    outage_resets: int = 0  # since the network was last well


@dataclass(frozen=True)
class Step:
    """One decision, why, and what to remember of it."""

    act: Act
    why: str
    memory: Memory


def seen(said: Mapping[str, str], now_s: float) -> Seen:
    """What `systemctl show` said, understood. now_s: CLOCK_MONOTONIC, as systemd's own stamps."""
    state, status = said.get("ActiveState", ""), said.get("StatusText", "")
    stopped = (state == "inactive" and said.get("Result") == "success") or status == WAITS
    wanted = said.get("LoadState") == "loaded" and said.get("ConditionResult") != "no" and not stopped
    if state != "active":
        return Seen(wanted, None)
    backlog = _BACKLOG.search(status)
    return Seen(
        wanted,
        max(0.0, now_s - int(said.get("ActiveEnterTimestampMonotonic") or 0) / 1e6),
        {code: int(age) for code, age in _CODE.findall(status)},
        int(backlog[1]) if backlog else None,
    )


def decide(unit: Seen, memory: Memory, reboots_ago_s: tuple[float, ...], now_s: float) -> Step:
    """The whole ladder. reboots_ago_s: how long ago this script restarted the machine, each time. now_s: boot clock."""
    if not unit.wanted:
        return Step(Act.NOTHING, "not wanted", replace(memory, unwell_s=None, restarted_s=None))
    steady = unit.running_s is not None and unit.running_s >= STEADY_S
    since_s = None if steady else now_s if memory.unwell_s is None else memory.unwell_s
    memory = replace(memory, unwell_s=since_s, restarted_s=None if steady else memory.restarted_s)
    if since_s is not None:
        return _unit(memory, now_s - since_s, reboots_ago_s, now_s)
    down_s = unit.causes.get("link.network")
    if down_s is None:
        memory = replace(memory, outage_resets=0)
    card_s = max((unit.causes.get(code, 0) for code in _CARD), default=0)
    if card_s >= CARD_AFTER_S and unit.backlog == 0 and _may_reboot(reboots_ago_s, now_s, CARD_REBOOTS_A_DAY):
        return Step(Act.REBOOT, f"the card has failed for {card_s} s, and nothing waits to be sent", memory)
    return Step(Act.NOTHING, "runs", memory) if down_s is None else _network(memory, down_s, now_s)


def _unit(memory: Memory, unwell_s: float, reboots_ago_s: tuple[float, ...], now_s: float) -> Step:
    if unwell_s >= REBOOT_AFTER_S and _may_reboot(reboots_ago_s, now_s, len(REBOOT_PAUSES_S)):
        return Step(Act.REBOOT, f"the unit has not run steadily for {unwell_s:.0f} s", memory)
    if unwell_s >= RESTART_AFTER_S and memory.restarted_s is None:
        return Step(
            Act.RESTART, f"the unit has not run steadily for {unwell_s:.0f} s", replace(memory, restarted_s=now_s)
        )
    return Step(Act.NOTHING, f"not steady for {unwell_s:.0f} s", memory)


def _network(memory: Memory, down_s: int, now_s: float) -> Step:
    lately = tuple(at_s for at_s in memory.resets_s if now_s - at_s < DAY_S)
    pause_s = NETWORK_PAUSES_S[min(memory.outage_resets, len(NETWORK_PAUSES_S) - 1)]
    due = down_s >= NETWORK_AFTER_S and (not memory.outage_resets or not lately or now_s - lately[-1] >= pause_s)
    if not due or len(lately) >= RESETS_A_DAY:
        return Step(Act.NOTHING, f"no network for {down_s} s", replace(memory, resets_s=lately))
    after = replace(memory, resets_s=(*lately, now_s), outage_resets=memory.outage_resets + 1)
    return Step(Act.RESET, f"no network for {down_s} s", after)


def _may_reboot(reboots_ago_s: tuple[float, ...], now_s: float, a_day: int) -> bool:
    """An age below 0 (the clock went back) counts as just now: where time is not known, less is done."""
    ages_s = [max(0.0, ago_s) for ago_s in reboots_ago_s if ago_s < DAY_S]
    if now_s < WARM_UP_S or len(ages_s) >= a_day:
        return False
    return not ages_s or min(ages_s) >= REBOOT_PAUSES_S[len(ages_s)]


def show() -> dict[str, str]:
    """The unit as systemd knows it."""
    command = ["systemctl", "show", SERVICE, f"--property={SHOWN}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - fixed words
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def recall(path: Path) -> Memory:
    """What was done before in this boot; a fresh memory where nothing can be read."""
    try:
        kept = json.loads(path.read_text(encoding="ascii"))
        return Memory(
            unwell_s=kept["unwell_s"],
            restarted_s=kept["restarted_s"],
            resets_s=tuple(kept["resets_s"]),
            outage_resets=kept["outage_resets"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Memory()


def history(path: Path) -> list[dict[str, object]]:
    """Every restart of the machine by this script: {"at": UTC s, "why": words}; the newest last."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return [{"at": float(row["at"]), "why": str(row["why"])} for row in kept][-20:]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def note(path: Path, rows: list[dict[str, object]]) -> None:
    """Put the history on the card before the machine goes down. Raises OSError."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(rows, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def interfaces(root: Path = Path("/")) -> list[str]:
    """The machine's own network interfaces: those with a device behind them."""
    return sorted(path.parent.name for path in root.glob("sys/class/net/*/device"))


def perform(act: Act) -> None:
    """Do it."""
    if act is Act.RESET:
        for name in interfaces():
            _run("ip", "link", "set", "dev", name, "down")
            time.sleep(2)
            _run("ip", "link", "set", "dev", name, "up")
    for command in commands(act):
        _run(*command)


def commands(act: Act) -> list[tuple[str, ...]]:
    """What systemd is told for it, in order."""
    if act is Act.RESTART:  # the judge first, and waited for: it counts the restarts, and this one begins them anew
        return [("systemctl", "start", JUDGE), ("systemctl", "--no-block", "restart", SERVICE)]
    return [("systemctl", "--no-block", "reboot")] if act is Act.REBOOT else []


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)  # noqa: S603 - fixed words
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{' '.join(command)}: no end within {RUN_S} s\n")
        return
    if done.returncode:
        sys.stderr.write(f"{' '.join(command)}: {done.stderr.strip()}\n")


def main() -> int:
    """Look once, and do what is due."""
    now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    wall_s = time.time()
    rows = history(HISTORY)
    ago_s = tuple(wall_s - float(str(row["at"])) for row in rows)
    step = decide(seen(show(), time.monotonic()), recall(MEMORY), ago_s, now_s)
    if step.act is Act.REBOOT:
        try:
            note(HISTORY, [*rows, {"at": wall_s, "why": step.why}])
        except OSError as err:  # what cannot be counted is not done: it would not be bounded
            sys.stderr.write(f"{HISTORY}: {err.strerror}; the machine is not restarted\n")
            return 1
    MEMORY.write_text(json.dumps(asdict(step.memory)), encoding="ascii")
    if step.act is not Act.NOTHING:
        sys.stderr.write(f"{step.act}: {step.why}\n")
        perform(step.act)
    return 0


if __name__ == "__main__":
    sys.exit(main())
