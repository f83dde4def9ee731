#!/usr/bin/python3
"""What a unit says of itself, in one answer: a module of Ansible's, run on the unit by the system's own Python.

Changes nothing and never fails: what is missing is an answer too. It gets its arguments as JSON in a file (WANT_JSON),
and needs nothing of Ansible's there.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ASK_S = 60  # a Pi Zero that is busy starts a Python in seconds
UPDATER = ("/usr/bin/doorunit-update", "status", "--json")
AGENT = ("/usr/bin/doorunit", "status", "--json")
DOCTOR = ("/usr/bin/doorunit", "doctor", "--json")
OWN = Path("/usr/lib/doorunit")
SLOTS = Path("/var/lib/doorunit-update")
OPEN = ("open", "held")
Say = Callable[[Sequence[str]], dict[str, Any]]


def look(state: Path, own: Path = OWN, slots: Path = SLOTS, say: Say | None = None) -> dict[str, Any]:
    """All that the roles decide by."""
    say = say or ask
    updater, agent = say(UPDATER), say(AGENT).get("agent")
    slot = updater.get("slot") or ""
    release = parse(read((slots / slot if slot in ("a", "b") else own) / "release.json"))
    return tell(updater, agent, say(DOCTOR), release, parse(read(state / "term.json")), time.time())


def tell(
    updater: Mapping[str, Any],
    agent: Mapping[str, Any] | None,
    doctor: Mapping[str, Any],
    release: Mapping[str, Any],
    term: Mapping[str, Any],
    now_s: float,
) -> dict[str, Any]:
    """The same from what was said. causes: doctor's, None where it gave no answer. busy: why to leave it alone.

    held_s: for how long what runs has been confirmed, by the unit's own clock; None where it came with a package.
    """
    pulse = agent.get("pulse", {}) if agent else {}
    last = updater.get("last") or {}
    held = last.get("what") == "confirmed" and last.get("version") == updater.get("version")
    door, phase = str(pulse.get("door", "")), str(term.get("phase", ""))
    return {
        "reached": True,
        "version": str(updater.get("version") or release.get("version", "")),
        "counter": int(release.get("counter", 0)),
        "slot": (updater.get("slot") or "package") if updater else "",
        "trial": str(updater.get("trial", "")),
        "bad": list(updater.get("bad", [])),
        "last": {name: str(last.get(name, "")) for name in ("what", "version", "why")},
        "held_s": max(0, int(now_s - last.get("at", 0))) if held else None,
        "door": door,
        "backlog": pulse.get("backlog"),
        "causes": list(doctor["causes"]) if "causes" in doctor else None,
        "busy": "its term is ending" if phase == "ending" else "its door is open" if door in OPEN else "",
    }


def wants_another(found: Mapping[str, Any], pardoned: Sequence[str]) -> bool:
    """Whether a later look may be a better one: doctor names something, or says nothing."""
    return found["causes"] is None or bool(set(found["causes"]) - set(pardoned))


def ask(command: Sequence[str]) -> dict[str, Any]:
    """What a command says as JSON, whatever it ends with; empty where it says none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, check=False)  # noqa: S603 - our own words
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    return parse(done.stdout)


def read(path: Path) -> str:
    """A small file's text; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def parse(text: str) -> dict[str, Any]:
    """A JSON object; empty where it is none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for left in range(int(asked.get("tries", 1)) - 1, -1, -1):
        found = look(Path(asked["state_dir"]))
        if left and wants_another(found, asked.get("pardoned", [])):
            time.sleep(float(asked["pause_s"]))
        else:
            break
    sys.stdout.write(json.dumps({"changed": False, "look": found}) + "\n")
