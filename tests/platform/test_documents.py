"""The documents say what the code does: made from it, every field named, and nothing pointed at that is not there."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest

from drivers.examples import pico_w_wire
from drivers.examples.pico_w_wire import BoardClock, Door, Outbox
from drivers.reed import SETTLED, Report
from edge import wire
from edge.cli import MISUSED, UNWELL, WELL, main
from edge.clock import Quality, Stamp
from edge.platform import asyncapi, openapi, schema
from edge.platform.papers import papers
from edge.platform.words import MESSAGES, WORDS
from edge.records import Alarm, Alarmed, Audit, Boot, Change, ClockAnchor, Event, FrameRef, FrameSet, Gap, GapReason
from edge.records import Source as About
from tests.platform.examples import PLATFORM

JSON = dict[str, Any]
AT = Stamp("b", 1, 1_800_000_000_000_000_000, Quality.SYNCED, 1)
EVERY = (
    Event(epoch="e", seq=1, at=AT, change=Change.HELD, door="held", since=AT, reason="r", expected="doctor"),
    FrameSet(epoch="e", seq=2, at=AT, event=1, of="e", frames=(FrameRef("0" * 64, 5, 7),), missing="late"),
    ClockAnchor(epoch="e", seq=3, at=AT),
    Gap(epoch="e", seq=4, at=AT, reason=GapReason.VOID, records=2, frames=0, of="d", seqs=((1, 2),)),
    Boot(epoch="e", seq=5, at=AT, version="1", clean=False, new_boot=True, last_alive=AT, void=(6, 7)),
    Audit(
        epoch="e", seq=8, at=AT, what="mark", by="technician", detail={"a": 1, "b": None, "c": "d"}, signature="AA=="
    ),
    Alarm(epoch="e", seq=9, at=AT, what=Alarmed.TAMPER, source=About.LID, detail="opened"),
)


def test_what_is_committed_is_what_the_code_makes():
    made = papers()
    found = {
        path.relative_to(PLATFORM).as_posix(): path.read_text(encoding="utf-8") for path in PLATFORM.rglob("*.json")
    }
    assert found.keys() == made.keys()
    stale = [name for name in made if made[name] != found[name]]
    assert not stale, "run: .venv/bin/doorunit wire papers --out deploy/platform"


def test_every_field_on_the_wire_has_words_and_no_words_are_left_over():
    _, shared = msgspec.json.schema_components(schema.messages().values(), ref_template="#/$defs/{name}")
    fields = {f"{name}.{field}" for name, one in shared.items() for field in one.get("properties", {})}
    assert fields == set(WORDS)
    assert set(schema.messages()) == set(MESSAGES)


@pytest.mark.parametrize("name", schema.messages())
def test_a_schema_is_one_of_2020_12_and_whole_in_itself(name: str):
    one = schema.schema(name)
    jsonschema.Draft202012Validator.check_schema(one)
    assert one["$schema"].endswith("2020-12/schema")
    assert all(resolves(one, ref) for ref in refs(one))


@pytest.mark.parametrize("record", EVERY, ids=lambda record: type(record).__name__)
def test_a_record_of_every_kind_with_every_field_is_as_the_schema_says(record: Any):
    body = json.loads(wire.encode("door-1", record, {}))
    jsonschema.validate(body, schema.schema("record"))
    one = schema.schema("record")["$defs"][type(record).__name__]
    assert body["data"]["record"].keys() <= one["properties"].keys()
    absent = one["properties"].keys() - body["data"]["record"].keys()
    assert absent <= {"edges", "settle_us", "of"}, "else the example above lacks a field"


def test_a_smaller_boards_messages_are_as_the_schemas_say():
    clock, outbox = BoardClock("0f" * 16, 0, lambda later, earlier: later - earlier), Outbox("ab" * 8, 8)
    outbox.put("anchor", clock.sync(clock.at(500_000), 1_795_510_923))
    door = Door(clock, outbox)
    door.report(Report(SETTLED, True, 1_000_000, 1_000_900, 3, False, False))
    for record in outbox.records:
        jsonschema.validate(json.loads(pico_w_wire.message("door-1", record, clock.anchor)), schema.schema("record"))
    jsonschema.validate(json.loads(pico_w_wire.state(door, clock.anchor)), schema.schema("state"))
    jsonschema.validate(json.loads(pico_w_wire.online("b", True)), schema.schema("online"))
    jsonschema.validate(json.loads(pico_w_wire.pulse(clock, 5, door, outbox, 0)), schema.schema("pulse"))


@pytest.mark.parametrize("document", [asyncapi.document(), openapi.document()], ids=["asyncapi", "openapi"])
def test_a_document_points_at_nothing_that_is_not_there(document: JSON):
    found = list(refs(document))
    assert found
    assert [ref for ref in found if not resolves(document, ref)] == []


def test_every_topic_that_a_unit_may_use_is_a_channel_with_its_direction_and_quality():
    document = asyncapi.document()
    operations = {name: one["bindings"]["mqtt"] for name, one in document["operations"].items()}
    assert {name.split("-")[1] for name in operations} == set(document["channels"])
    assert {one["address"] for one in document["channels"].values()} == {
        wire.topic("{unit}", leaf) for leaf in ("event", "state", "online", "pulse", "reply", "receipt", "command")
    }
    assert {name for name, mqtt in operations.items() if mqtt["retain"]} == {"send-state", "send-online"}
    assert {name for name, mqtt in operations.items() if mqtt["qos"] == 0} == {"send-pulse"}
    assert {name for name in operations if name.startswith("receive")} == {"receive-receipt", "receive-command"}


def test_the_verb_tells_one_schema_or_all_and_knows_what_it_does_not_know(tmp_path, capsys):
    assert main(["wire", "schema", "receipt", "--json"]) == WELL
    assert json.loads(capsys.readouterr().out) == schema.schema("receipt")
    assert main(["wire", "schema"]) == WELL
    assert json.loads(capsys.readouterr().out).keys() == schema.messages().keys()
    assert main(["wire", "asyncapi"]) == WELL
    assert json.loads(capsys.readouterr().out)["asyncapi"] == "3.0.0"
    assert main(["wire", "papers", "--out", str(tmp_path / "new")]) == WELL
    assert (tmp_path / "new/schemas/record.json").is_file()
    capsys.readouterr()
    assert main(["wire", "schema", "telegram"]) == MISUSED
    assert "want one of record, state" in capsys.readouterr().err
    assert main(["wire", "openapi", "more"]) == MISUSED
    assert main(["wire", "papers"]) == MISUSED
    (tmp_path / "file").write_text("")
    assert main(["wire", "papers", "--out", str(tmp_path / "file")]) == UNWELL


def refs(one: Any) -> Iterator[str]:
    if isinstance(one, dict):
        yield from [one["$ref"]] if isinstance(one.get("$ref"), str) else []
        for value in one.values():
            yield from refs(value)
    elif isinstance(one, list):
        for value in one:
            yield from refs(value)


def resolves(document: JSON, ref: str) -> bool:
    at: Any = document
    for step in ref.removeprefix("#/").split("/"):
        if not isinstance(at, dict) or step not in at:
            return False
        at = at[step]
    return True
