"""The examples of deploy/platform/WIRE.md, from a real run. `python -m tests.platform.examples` writes them anew."""

import json
import re
import struct
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from edge import wire
from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.records import Change, ClockAnchor, Event, Gap, GapReason
from tests.platform.stage import Said, Stage
from tests.whole.flat import UNIT

PLATFORM = Path(__file__).resolve().parents[2] / "deploy/platform"
PAGE = PLATFORM / "WIRE.md"
BLOCK = re.compile(r"<!-- (example|file): ([\w.-]+) -->\n```(\w+)\n(.*?)```\n", re.DOTALL)
_LONG = 400  # of one text in an example: a certificate's middle helps nobody


def examples(stage: Stage) -> dict[str, Any]:
    """Name in the page -> one message, as it was sent."""
    (command, *_) = stage.of("command")
    (length,) = struct.unpack_from(">I", stage.sealed, 4)
    answers = dict(reversed(stage.answers))
    return {
        "opened": _event(stage, "event", lambda s: s.record["change"] == "opened"),
        "boot": _event(stage, "boot"),
        "frames": _event(stage, "frames"),
        "alarm": _event(stage, "alarm"),
        "audit": _event(stage, "audit", lambda s: s.record["what"] == "visit.added"),
        "erased": _event(stage, "audit", lambda s: s.record["what"] == "erased"),
        "receipt": stage.of("receipt")[0].body,
        "state": next(s.body for s in stage.of("state") if s.body["camera"] == "on"),
        "online": stage.of("online")[0].body,
        "pulse": stage.of("pulse")[-1].body,
        "command": command.body,
        "command-text": json.loads(command.body["command"]),
        "reply": next(s.body for s in stage.of("reply") if s.body["done"]),
        "frame-header": json.loads(stage.sealed[8 : 8 + length]),
        **{name: answers[name] for name in ("enrol-asking", "enrol-granted", "enrol-waiting", "enrol-refused")},
        **_rare(),
    }


def blocks(text: str) -> dict[str, str]:
    """Name -> what stands in the page."""
    return {name: body for _, name, _, body in BLOCK.findall(text)}


def fill(text: str, found: dict[str, Any]) -> str:
    """The page with these examples, and with the programs beside it."""

    def block(match: re.Match[str]) -> str:
        kind, name, language, _ = match.groups()
        body = (PLATFORM / name).read_text(encoding="utf-8") if kind == "file" else _json(found[name])
        return f"<!-- {kind}: {name} -->\n```{language}\n{body}```\n"

    return BLOCK.sub(block, text)


def shape(body: Any, path: str = "") -> set[str]:
    """Every path in a message, without its values; an item of a list is like another."""
    if isinstance(body, dict):
        return {line for key, value in body.items() for line in shape(value, f"{path}.{key}")} | {path}
    if isinstance(body, list):
        return {line for value in body for line in shape(value, f"{path}[]")} | {path}
    return {path}


def _event(stage: Stage, kind: str, fits: Callable[[Said], bool] = lambda _: True) -> Any:
    return next(s.body for s in stage.of("event", kind) if fits(s))


def _rare() -> dict[str, Any]:
    """What a quiet run does not bring: made by the same code from records of its own."""
    boot, epoch = "0f3c8a52-5d0e-4c49-9f4e-6a1f5d1f2b77", "9d2f60c1a4b7e358"
    never = Stamp(boot, 95 * SECOND, 1_700_000_000 * SECOND, Quality.UNSYNCED)
    good = Stamp(boot, 300 * SECOND, FLOOR_NS + 500 * 86_400 * SECOND, Quality.SYNCED, 12)
    records = {
        "unsynced": Event(epoch=epoch, seq=5, at=never, change=Change.OPENED, door="open", edges=3, settle_us=1450),
        "anchor": ClockAnchor(epoch=epoch, seq=9, at=good),
        "gap": Gap(epoch=epoch, seq=4711, at=good, reason=GapReason.FULL, records=3, of=epoch, seqs=((17, 19),)),
    }
    bounds = (good.wall_ns - 86_400 * SECOND, good.wall_ns)
    return {name: json.loads(wire.encode(UNIT, record, {}, lambda _: bounds)) for name, record in records.items()}


def _json(body: Any) -> str:
    return json.dumps(_shortened(body), ensure_ascii=False, indent=2) + "\n"


def _shortened(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _shortened(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_shortened(value) for value in body[:3]]
    return f"{body[:100]}…{body[-40:]}" if isinstance(body, str) and len(body) > _LONG else body


def main() -> None:
    """Play the run and write the page."""
    with tempfile.TemporaryDirectory() as folder, closing(Stage(Path(folder))) as stage:
        stage.play()
        stage.ask_https()
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), examples(stage)), encoding="utf-8")


if __name__ == "__main__":
    main()
