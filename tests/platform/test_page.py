"""The page for platform engineers stays true: its examples are what a run sends, and its programs do what they say."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from deploy.platform.open_frame import open_frame
from deploy.platform.sign_command import command
from edge import wire
from edge.clock import SystemClock
from edge.identity import Identity
from edge.platform import check, schema
from edge.platform.draft import Drafts
from edge.platform.pictures import PIXEL
from edge.spool.seal import Sealer, signed_by
from edge.station.broker import open_broker
from edge.station.ca import Authority
from tests.platform.conftest import READER
from tests.platform.examples import BLOCK, PAGE, PLATFORM, blocks
from tests.whole.conftest import until

SCHEMAS = {  # in the page -> its schema
    **{
        name: "record" for name in ("opened", "boot", "frames", "alarm", "audit", "erased", "unsynced", "anchor", "gap")
    },
    **{name: name for name in schema.messages()},
}
PAGE_BLOCKS = blocks(PAGE.read_text(encoding="utf-8"))
EXAMPLES = {name: body for name, body in PAGE_BLOCKS.items() if "." not in name}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_page_is_as_its_schema_says(name: str):
    body = json.loads(EXAMPLES[name])
    jsonschema.validate(body, schema.schema(SCHEMAS[name]))
    assert body, "run: python -m tests.platform.examples"


def test_the_programs_in_the_page_are_those_beside_it():
    shown = {name: body for kind, name, _, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind == "file"}
    assert shown.keys() == {"receiver.py", "open_frame.py"}
    for name, body in shown.items():
        assert body == (PLATFORM / name).read_text(encoding="utf-8"), "run: python -m tests.platform.examples"


def test_what_the_page_links_to_is_there():
    links = [line.split(")")[0] for line in PAGE.read_text(encoding="utf-8").split("](")[1:]]
    assert links
    assert [link for link in links if not (PLATFORM / link).exists()] == []


@pytest.fixture
def mosquitto(authority: Authority, tmp_path: Path) -> Iterator[int]:
    broker = open_broker(tmp_path / "broker", authority, receivers=("station", READER))
    yield broker.port
    broker.close()


def test_the_pages_receiver_passes_the_check_and_holds_each_record_once(
    authority: Authority, who: Identity, mosquitto: int, tmp_path: Path
):
    files = [str(authority.ca_file), *map(str, authority.client_files())]
    database = tmp_path / "records.db"
    words = [sys.executable, str(PLATFORM / "receiver.py"), "localhost", str(mosquitto), *files, str(database)]
    receiver = subprocess.Popen(words, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    try:
        until(database.exists)
        certificate, key = map(str, authority.client_files(READER))
        plan = check.Plan(f"mqtts://localhost:{mosquitto}", who, "", (certificate, key), 20, 100, 0.2)
        rows = list(check.check(plan))
    finally:
        receiver.terminate()
        receiver.wait(10)
    assert [(row.name, row.found) for row in rows if row.verdict == "wrong"] == []
    assert {row.name for row in rows if row.verdict == "unseen"} == {
        "command",
        *(row.name for row in rows if row.name.startswith("frames.")),
    }


def test_the_pages_program_opens_a_frame_and_refuses_one_that_was_changed(authority: Authority, who: Identity):
    drafts = Drafts(who.unit, SystemClock())
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    sealed = sealer.seal(PIXEL, epoch="e", event=7, at=drafts.now())
    (verify_key,) = authority.known.verify_keys(who.unit)
    header, picture = open_frame(sealed, verify_key, authority.private_key())
    assert (picture, header["unit"], header["event"]) == (PIXEL, who.unit, 7)
    for at in (0, 20, len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Exception, match="found no DUF1|Signature was forged"):  # noqa: B017 - nacl's own kind
            open_frame(bytes(changed), verify_key, authority.private_key())


def test_the_pages_program_signs_what_a_unit_obeys(authority: Authority):
    seed = base64.b64decode((authority.folder / "command.key").read_bytes())
    payload = command(seed, "door-1", "visit", {"kind": "doctor", "from": "a", "until": "b"}, datetime.now(UTC))
    jsonschema.validate(json.loads(payload), schema.schema("command"))
    wish = wire.read_command(payload, lambda signature, text: signed_by(authority.command_key, signature, text))
    assert (wish.unit, wish.verb, wish.args["kind"]) == ("door-1", "visit", "doctor")
    assert wire.from_rfc3339(wish.not_before) < SystemClock().read().wall_ns < wire.from_rfc3339(wish.expires)
