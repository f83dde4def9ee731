"""Runs the checks side by side, each with a deadline, puts the agent's own warnings beside them, and finds the cause.

A row that another row explains is hushed: only root causes count. doctor writes nothing; `mend` does, where asked to.
"""

import importlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from edge.clock import SECOND
from edge.errors import PartError
from edge.onsite.check import Check, Found, Scene, State, skipped
from edge.onsite.rows import ALL, parents
from edge.warnings import LINK, Row

SCHEMA = 1
DEADLINE_S = 5.0
ELSE = "service"  # what is no check's business is the agent's own
BUILT_IN = ("service", "identity", "board", "card", "spool", "clock", "door", "update", "net")

JSON = dict[str, Any]
# Starts the checks and returns what each found, by the name of the check.
Runner = Callable[[Sequence[Check], Scene, float], Mapping[str, list[Found]]]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One finding with its words. by: the codes that explain it; a wrong one with none is a root cause."""

    check: str
    found: Found
    title: tuple[str, str]  # English, Chinese
    row: Row | None
    by: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        """Whether this is what somebody must see to."""
        return self.found.state == "wrong" and not self.by

    @property
    def is_note(self) -> bool:
        """Whether it is well, and somebody should know of it."""
        return self.found.state == "well" and self.row is not None


class Report(msgspec.Struct, frozen=True):
    """All that was found, causes first."""

    lines: tuple[Line, ...]
    took_s: float

    @property
    def roots(self) -> list[Line]:
        """What somebody must see to."""
        return [line for line in self.lines if line.is_root]

    @property
    def notes(self) -> list[Line]:
        """What is well, and somebody should know of."""
        return [line for line in self.lines if line.is_note]


def built_in(*names: str) -> tuple[Check, ...]:
    """The checks that come with the unit, or those of these names."""
    modules = [importlib.import_module(f"edge.onsite.checks.{name}") for name in names or BUILT_IN]
    return tuple(module.CHECK for module in modules)


def examine(
    scene: Scene, checks: Sequence[Check], run: "Runner | None" = None, deadline_s: float = DEADLINE_S
) -> Report:
    """Every check's findings and the agent's warnings, each with what explains it. Blocks for `deadline_s` at most."""
    began_ns = scene.probes.now()
    found = (run or side_by_side)(checks, scene, deadline_s)
    told = [(check, one) for check in checks for one in found.get(check.name, [])]
    agents = _agents_word(scene, checks)
    measured = {one.code for _, one in told if one.state == "wrong"}
    lines = _hush([_line(check, one) for check, one in _together(agents, told)], measured)
    order = {"wrong": 0, "soon": 1, "well": 2, "skipped": 3}
    lines.sort(key=lambda line: (order[line.found.state], bool(line.by)))
    return Report(tuple(lines), (scene.probes.now() - began_ns) / SECOND)


def side_by_side(checks: Sequence[Check], scene: Scene, deadline_s: float) -> dict[str, list[Found]]:
    """A thread each; of who is not ready in time counts what came so far, and the rest is skipped."""
    came: queue.SimpleQueue[tuple[str, Found | None]] = queue.SimpleQueue()

    def work(check: Check) -> None:
        for one in _each(check, scene):
            came.put((check.name, one))
        came.put((check.name, None))

    found: dict[str, list[Found]] = {check.name: [] for check in checks}
    began_ns = scene.probes.now()
    ends_ns = {check.name: began_ns + int(min(check.deadline_s, deadline_s) * SECOND) for check in checks}
    for check in checks:
        threading.Thread(target=work, args=(check,), name=f"check-{check.name}", daemon=True).start()
    while ends_ns:
        now_ns = scene.probes.now()
        for late in [name for name, end_ns in ends_ns.items() if end_ns <= now_ns]:
            del ends_ns[late]
            found[late].append(skipped(late, "no answer in time"))
        try:
            name, one = came.get(timeout=max(0.0, (min(ends_ns.values(), default=now_ns) - now_ns) / SECOND))
        except queue.Empty:
            continue
        if one is None:
            ends_ns.pop(name, None)
        elif name in ends_ns:
            found[name].append(one)
    return found


def one_by_one(checks: Sequence[Check], scene: Scene, _deadline_s: float) -> dict[str, list[Found]]:
    """In this thread, without deadlines: for a simulated world."""
    return {check.name: list(_each(check, scene)) for check in checks}


def _each(check: Check, scene: Scene) -> Iterator[Found]:
    try:
        yield from check.run(scene)
    except Exception as err:  # noqa: BLE001 - a check's own fault must not keep the others from being heard
        yield skipped(check.name, f"the check itself broke: {type(err).__name__}: {err}")


def mend(report: Report) -> list[str]:
    """Do every safe cure that was found; says what was done, or why not."""
    done = []
    for line in report.lines:
        if line.found.cure is not None:
            try:
                done.append(line.found.cure.act())
            except PartError as err:
                done.append(str(err))
    return done


def to_json(report: Report) -> JSON:
    """The same, for programs; `schema` counts changes of meaning."""
    return {
        "schema": SCHEMA,
        "well": not report.roots,
        "causes": [line.found.code for line in report.roots],
        "took_s": round(report.took_s, 3),
        "checks": [_to_json(line) for line in report.lines],
    }


def _to_json(line: Line) -> JSON:
    found, row = line.found, line.row
    told: JSON = {
        "check": line.check,
        "name": found.name,
        "title": line.title[0],
        "title_zh": line.title[1],
        "state": found.state,
        "found": found.found,
        "wanted": found.wanted,
        "ms": None if found.ms is None else round(found.ms, 1),
        "code": found.code,
        "hushed_by": list(line.by),
    }
    if row is not None:
        told |= {"remedy": row.remedy, "remedy_zh": row.remedy_zh, "grace_s": row.grace_s}
        told["parents"] = sorted(parents(row.code))
    if found.cure is not None:
        told["fix"] = found.cure.en
    return told


def _agents_word(scene: Scene, checks: Sequence[Check]) -> list[tuple[Check, Found]]:
    """The running agent's own warnings, under the checks whose business they are."""
    everything = any(check.name == ELSE for check in checks)
    told = []
    for one in scene.agent["wrong"] if scene.agent is not None else ():
        code = str(one["code"])
        row = ALL.get(code)
        is_note = row is not None and not row.fault  # the unit does all it should
        if is_note and one["by"]:
            continue  # what explains it is what is wrong
        state: State = "well" if is_note else "wrong" if one["shown"] or one["by"] else "soon"
        if code in LINK and scene.by_https:
            state = "soon"  # of MQTT; it stays for a while after another way was found
        part = code.partition(".")[0]
        check = next((check for check in checks if part in check.tells), None)
        if check is None and everything:
            check = _nobodys(one)
        if check is not None:
            name, seen = check.tells.get(part, part), one["found"] or one["en"]
            found = Found(name=name, state=state, found=seen, wanted=one["wanted"], code=code, for_s=one["for_s"])
            told.append((check, found))
    return told


def _together(agents: list[tuple[Check, Found]], told: list[tuple[Check, Found]]) -> list[tuple[Check, Found]]:
    """What both know is told once: where it was measured, with the agent's word on since when and whether it counts."""
    measured = {one.code for _, one in told if one.code}
    word = {one.code: one for _, one in agents}
    trouble = {one.name for _, one in agents if one.state == "wrong"}
    pairs = [(check, one) for check, one in agents if one.code not in measured]
    for check, one in told:
        if one.code in word:
            known = word[one.code]
            pairs.append((check, msgspec.structs.replace(one, state=known.state, for_s=known.for_s)))
        elif one.state != "well" or one.name not in trouble:  # nothing is called well beside what is wrong with it
            pairs.append((check, one))
    return pairs


def _nobodys(one: Mapping[str, Any]) -> Check:
    """For a warning that is no check's business; of a newer agent that brought the words itself, with those."""
    row = Row(one["code"], one["en"], one["zh"], remedy=one["remedy"], remedy_zh=one["remedy_zh"])
    return Check(ELSE, {}, lambda _: iter(()), rows=(row,))


def _line(check: Check, found: Found) -> Line:
    row = ALL.get(found.code) or next((row for row in check.rows if row.code == found.code), None)
    title = (row.en, row.zh) if row is not None else check.titles.get(found.name, (found.name, found.name))
    return Line(check=check.name, found=found, title=title, row=row)


def _hush(lines: list[Line], measured: set[str]) -> list[Line]:
    """Beside each wrong line, the wrong ones that explain it. What is measured now outdoes what the agent last saw."""
    active = {line.found.code for line in lines if line.found.state == "wrong"}
    nearer = active.intersection(measured, LINK)

    def by(line: Line) -> tuple[str, ...]:
        code = line.found.code
        above = active & parents(code)
        if code in LINK and code not in measured:
            above |= nearer
        return tuple(sorted(above)) if line.found.state == "wrong" else ()

    return [msgspec.structs.replace(line, by=by(line)) for line in lines]
