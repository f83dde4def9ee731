"""The report's figures as markdown, as JSON and as plots; and which of the issue's aims are met."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from behind import behind
from peer import OURS, PEERS
from stage import HERE, own_python

MATPLOTLIB = "matplotlib==3.11.2"
Rows = dict[str, dict[str, float]]
PLOTS = ("latency", "memory", "idle", "start", "delivered", "drain")  # what plot.py draws
NOT_MET = "**not met**"
OTHERS = {"raw": "raw paho, publish alone", "one-sync": "one record, one sync"}


class Circumstances(NamedTuple):
    """Under which it was measured."""

    command: str
    machine: str
    sizes: dict[str, float]
    took: dict[str, str]  # part -> seconds, or why there is nothing
    missing: dict[str, str]  # peer -> why


class Measure(NamedTuple):
    """A column."""

    key: str
    head: str
    form: str = "{:.2f}"


TABLES = {
    "Edge to subscriber": (
        Measure("latency_p50_ms", "p50 ms"),
        Measure("latency_p99_ms", "p99 ms"),
        Measure("told_of_moved", "told of moved", "{:.1%}"),
    ),
    "Footprint, idle": (
        Measure("pss_mib", "PSS MiB", "{:.1f}"),
        Measure("idle_cpu_pct", "CPU %"),
        Measure("idle_switches_s", "wake-ups/s", "{:.1f}"),
    ),
    "An event": (
        Measure("cpu_ms_event", "CPU ms"),
        Measure("syncs_event", "syncs"),
        Measure("written_kb_event", "kB to disk", "{:.1f}"),
    ),
    "Start": (
        Measure("start_ms", "exec to first delivered event, ms", "{:.0f}"),
        Measure("import_ms", "import ms", "{:.0f}"),
    ),
    "Outage": (
        Measure("after_outage", "delivered after it", "{:.1%}"),
        Measure("drain_s", "events/s then", "{:.0f}"),
        Measure("after_kill", "delivered after it and kill -9", "{:.1%}"),
    ),
    "A long backlog": (
        Measure("backlog_drain_s", "records/s", "{:.0f}"),
        Measure("backlog_came", "came", "{:.1%}"),
        Measure("live_p50_ms", "live p50 ms meanwhile"),
        Measure("live_p99_ms", "live p99 ms meanwhile"),
        Measure("live_samples", "live events", "{:.0f}"),
    ),
    "Pictures": (
        Measure("picture_p50_ms", "edge to first sealed picture, p50 ms", "{:.0f}"),
        Measure("picture_p99_ms", "p99 ms", "{:.0f}"),
    ),
    "The wire": (
        Measure("opening_bytes", "bytes of an opening and its shutting", "{:.0f}"),
        Measure("day_mb_shipped", "MB of an idle day"),
        Measure("day_mb_whole", "with every pulse whole"),
        Measure("day_mb_metered", "metered"),
    ),
}
NOTES = {
    "Edge to subscriber": "Settling (5 ms) is taken out of doorunit's; nobody else settles. All are idle together "
    "and take turns; who works on beyond his turn plays alone. A pin that is a message has that message's way in it.",
    "Start": "doorunit's first event says how it found the door, 50 ms of settling included; the others' door "
    "is moved as soon as they can hear it. Import: what the program's modules add to a bare interpreter.",
    "Outage": "The broker ends and the door moves; with kill -9 all of the program is gone 0.1 s after that and "
    "is started again after the broker. Whoever subscribes is there before the broker's clients are back.",
    "A long backlog": "To one subscriber that gives receipts for doorunit's records, one for what came at "
    "once, and has nothing to do for those of the others. One record, one sync: publish, PUBACK, delete, commit.",
    "Pictures": "No peer takes any. 720p, drawn by the simulated camera, which costs more than a real one's.",
    "The wire": "TLS included, both directions, TCP/IP headers not: see bench_wire.py.",
}


class Aim(NamedTuple):
    """One of the issue's: met() is None where something it needs was not measured."""

    words: str
    ours: Callable[[Rows], float | None]
    most: Callable[[Rows], float | None]  # or least, where `at_least`
    at_least: bool = False
    why: str = ""  # it is not met on the machine where this was written


def _of(who: str, key: str, factor: float = 1) -> Callable[[Rows], float | None]:
    return lambda rows: None if key not in rows.get(who, {}) else rows[who][key] * factor


def _best(key: str) -> Callable[[Rows], float | None]:
    """Of the peers."""
    return lambda rows: min((rows[name][key] for name in PEERS if name != OURS and key in rows[name]), default=None)


def _just(figure: float) -> Callable[[Rows], float | None]:
    return lambda _rows: figure


BELOW = "why is told below"
AIMS = (
    Aim(
        "latency p50, ms: at most 1.5 x raw paho",
        _of(OURS, "latency_p50_ms"),
        _of("raw", "latency_p50_ms", 1.5),
        why=BELOW,
    ),
    Aim("latency p99, ms: below every peer", _of(OURS, "latency_p99_ms"), _best("latency_p99_ms"), why=BELOW),
    Aim("live p99 while a backlog drains, ms: at most 10", _of(OURS, "live_p99_ms"), _just(10)),
    Aim(
        "drain, records/s: at least 10 x one record, one sync",
        _of(OURS, "backlog_drain_s"),
        _of("one-sync", "backlog_drain_s", 10),
        at_least=True,
        why="this disk syncs in 0.3 ms, so ten times that rate is more than paho can publish; a card takes 5 to 20 ms",
    ),
    Aim(
        "drain, records/s: at least half of raw paho, pipelined",
        _of(OURS, "backlog_drain_s"),
        _of("raw", "backlog_drain_s", 0.5),
        at_least=True,
    ),
    Aim("cold start to first delivered event, ms: at most 400", _of(OURS, "start_ms"), _just(400)),
    Aim("PSS idle without camera, MiB: at most 25", _of(OURS, "pss_mib"), _just(25)),
    Aim("idle CPU, %: at most the plain script's", _of(OURS, "idle_cpu_pct"), _of("plain", "idle_cpu_pct")),
    Aim("import of `doorunit run`, ms: at most 150", _of(OURS, "import_ms"), _just(150)),
    Aim("delivered after kill -9: all", _of(OURS, "after_kill"), _just(1), at_least=True),
    Aim("an idle day on the wire, MB: at most 1", _of(OURS, "day_mb_shipped"), _just(1)),
)


def report(folder: Path, rows: Rows, under: Circumstances) -> None:
    """Write report.md and report.json into `folder`."""
    text = "\n".join(_lines(rows, under)) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    (folder / "report.json").write_text(json.dumps({"rows": rows, "words": _words()}, indent=1), encoding="utf-8")


def plots(folder: Path) -> None:
    """PNGs beside the report, by matplotlib in a venv of its own; without a registry the tables must do."""
    try:
        python = own_python("plots", MATPLOTLIB)
        subprocess.run([python, str(HERE / "plot.py"), str(folder)], check=True, timeout=120)
    except (subprocess.SubprocessError, OSError) as err:
        print(f"no plots: {err}")


def met(aim: Aim, rows: Rows) -> tuple[float | None, float | None, str]:
    """(ours, what it is held against, "met", "not met" or "not measured")."""
    ours, limit = aim.ours(rows), aim.most(rows)
    if ours is None or limit is None:
        return ours, limit, "not measured"
    return ours, limit, "met" if (ours >= limit if aim.at_least else ours <= limit) else NOT_MET


def _lines(rows: Rows, under: Circumstances) -> Iterator[str]:
    yield "# doorunit beside its peers\n"
    yield f"`{under.command}`\n\n{under.machine}.\n"
    yield "Sizes: " + ", ".join(f"{name} {value:g}" for name, value in under.sizes.items()) + ".\n"
    yield "## Aims\n\n| aim | ours | held against | |\n| --- | ---: | ---: | --- |"
    for aim in AIMS:
        ours, limit, said = met(aim, rows)
        said += f": {aim.why}" if said == NOT_MET and aim.why else ""
        yield f"| {aim.words} | {_figure(ours)} | {_figure(limit)} | {said} |"
    yield "\n## Where a peer is ahead, and why\n\n| | doorunit | why |\n| --- | --- | --- |"
    heads = {one.key: f"{title}: {one.head}" for title, measures in TABLES.items() for one in measures}
    for measure, figures, why in behind(rows, OURS, {name: one.words for name, one in PEERS.items()}, heads):
        yield f"| {measure} | {figures} | {why} |"
    yield "\n## Who\n\n| | what stands for its pin | what it keeps, and how | settle, ms |\n| --- | --- | --- | ---: |"
    for name, one in PEERS.items():
        keeps = under.missing.get(name, one.keeps)
        yield f"| {one.words} | {one.pin} | {keeps} | {one.settle_ms} |"
    for title, measures in TABLES.items():
        yield from _table(title, measures, rows)
    yield f"\n## Plots\n\n{' '.join(f'![{name}](report-{name}.png)' for name in PLOTS)}"
    yield "\n## Parts\n"
    for name, took in under.took.items():
        yield f"- {name}: {took}"


def _table(title: str, measures: tuple[Measure, ...], rows: Rows) -> Iterator[str]:
    if not any(one.key in row for row in rows.values() for one in measures):
        return
    yield f"\n## {title}\n\n| | " + " | ".join(one.head for one in measures) + " |"
    yield "| --- |" + " ---: |" * len(measures)
    for name, words in _words().items():
        if any(one.key in rows.get(name, {}) for one in measures):
            cells = [one.form.format(rows[name][one.key]) if one.key in rows[name] else "-" for one in measures]
            yield f"| {words} | " + " | ".join(cells) + " |"
    if title in NOTES:
        yield f"\n{NOTES[title]}"


def _words() -> dict[str, str]:
    return {**{name: one.words for name, one in PEERS.items()}, **OTHERS}


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
