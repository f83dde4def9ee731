"""What is really sent is what the schemas say, and the schemas say nothing that is not there."""

import copy
import json
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest

from edge.platform import check, schema
from edge.platform.asyncapi import LEAVES
from edge.platform.rows import NEEDS
from tests.platform.examples import PAGE, blocks, examples, shape
from tests.platform.stage import READER, Stage

JSON = dict[str, Any]
ANEW = "run: python -m tests.platform.examples"
NAMES = {leaf.name: leaf.message for leaf in LEAVES}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    opened = Stage(tmp_path_factory.mktemp("stage"))
    try:
        opened.play()
        opened.ask_https()
        yield opened
    finally:
        opened.close()


def closed(one: Any) -> Any:
    """The schema, with every object shut: a property that it does not name is an error."""
    if isinstance(one, list):
        return [closed(each) for each in one]
    if not isinstance(one, dict):
        return one
    shut = {key: closed(value) for key, value in one.items()}
    if "properties" in one and isinstance(one["properties"], dict) and one.get("type") == "object":
        shut.setdefault("additionalProperties", False)
    return shut


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        closed(copy.deepcopy(schema.schema(name))), format_checker=jsonschema.FormatChecker()
    )


def errors(name: str, body: Any) -> list[str]:
    return [f"{name} {err.json_path}: {err.message[:300]}" for err in validator(name).iter_errors(body)]


def test_every_message_on_the_broker_is_as_its_schema_says_and_holds_nothing_else(stage: Stage):
    found = [line for said in stage.said for line in errors(NAMES[said.leaf], said.body)]
    assert not found, "\n".join(found)


def test_the_run_that_is_looked_at_held_every_topic_and_what_a_term_brings(stage: Stage):
    assert {said.leaf for said in stage.said} == set(NAMES)
    kinds = {said.record["kind"] for said in stage.of("event")}
    assert {"boot", "event", "frames", "alarm", "audit"} <= kinds
    audits = {said.record["what"] for said in stage.of("event", "audit")}
    assert {"visit.added", "term.ended", "erased"} <= audits
    assert {said.body["done"] for said in stage.of("reply")} == {True, False}


def test_the_text_of_a_command_is_as_its_schema_says(stage: Stage):
    commands = [json.loads(said.body["command"]) for said in stage.of("command")]
    args = {
        "visit": "visit-args",
        "end": "no-args",
        "erase": "no-args",
        "pulse": "no-args",
        "identify": "identify-args",
    }
    found = [line for one in commands for line in errors("command-text", one)]
    found += [line for one in commands for line in errors(args[one["verb"]], one["args"])]
    assert not found
    assert {one["verb"] for one in commands} == set(args)


def test_every_https_body_is_as_its_schema_says_and_holds_nothing_else(stage: Stage):
    found = [line for name, body in stage.answers for line in errors(name, body)]
    assert not found, "\n".join(found)
    names = {name for name, _ in stage.answers}
    assert names == {name for name in schema.messages() if name.startswith(("frame-", "enrol-"))} - {"frame-header"} | {
        "failed"
    }


def test_the_header_of_a_sealed_frame_is_as_its_schema_says(stage: Stage):
    (length,) = struct.unpack_from(">I", stage.sealed, 4)
    assert errors("frame-header", json.loads(stage.sealed[8 : 8 + length])) == []


def test_the_pages_examples_have_the_fields_that_a_run_sends(stage: Stage):
    shown = blocks(PAGE.read_text(encoding="utf-8"))
    for name, body in examples(stage).items():
        found, page = shape(body), shape(json.loads(shown[name]))
        assert {line for line in found ^ page if "[]" not in line} == set(), f"{name}; {ANEW}"


def test_our_own_station_passes_the_check_that_it_ships(stage: Stage, tmp_path):
    who = stage.flat.ca.issue("wirecheck-1", tmp_path / "identity")
    certificate, key = map(str, stage.flat.ca.client_files(READER))
    plan = check.Plan(f"mqtts://localhost:{stage.flat.port}", who, stage.frames, (certificate, key), 30)
    rows = {row.name: row for row in check.check(plan)}
    assert {name: row.found for name, row in rows.items() if row.verdict == "wrong"} == {}
    assert {name for name, row in rows.items() if row.verdict == "unseen"} == {"command"}
    assert set(rows) == {name for name in NEEDS if not name.startswith("posts.")} - {"reach"}


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("receipt", {"epoch": "e", "stored": [[1, 2, 3]]}, "stored[0]"),
        ("receipt", {"epoch": "e", "stored": [1]}, "stored[0]"),
        ("receipt", {"epoch": "e"}, "stored"),
        ("state", {"door": "ajar", "since": None, "camera": "on"}, "ajar"),
        ("state", {"door": "shut", "since": "yesterday", "camera": "on"}, "yesterday"),
        ("reply", {"id": "1", "done": True, "said": "", "more": 1}, "more"),
        ("record", {"id": "u/e/1", "source": "/door/u", "type": "x"}, "data"),
        ("frame-stored", {"stored": "short"}, "short"),
    ],
)
def test_what_is_not_so_is_found(name: str, body: JSON, why: str):
    found = errors(name, body)
    assert found
    assert why in " ".join(found)


@pytest.mark.parametrize("way", [(), ("data",), ("data", "record"), ("data", "record", "at")])
def test_a_field_that_no_schema_names_is_found_wherever_it_stands(stage: Stage, way: tuple[str, ...]):
    body = copy.deepcopy(stage.of("event", "event")[0].body)
    at = body
    for step in way:
        at = at[step]
    at["more"] = 1
    assert errors("record", body)


def test_a_later_versions_field_is_allowed_by_the_schema_itself():
    body = {"id": "1", "done": True, "said": "", "later": 1}
    assert jsonschema.Draft202012Validator(schema.schema("reply")).is_valid(body)
