"""What people have the unit do is done within the term or refused, and each has its Audit with who it was."""

import base64

import pytest

from edge.errors import ConfigError, DoorunitError
from edge.unit.requests import NOTE_MAX, REQUESTS
from tests.unit.conftest import Start
from tests.unit.rig import JSON, Rig

PERSON = "wang (uid 1000)"


def do(rig: Rig, name: str, **args: object) -> JSON:
    told: list[JSON] = []
    REQUESTS[name](rig.unit, {"person": PERSON, **args}, told.append)
    rig.live(0.2)
    (answer,) = told
    return answer


def test_a_test_goes_the_way_of_every_record_also_outside_the_term(start: Start):
    rig = start(term=None)
    rig.live(1)
    key = do(rig, "test")["key"]
    (record,) = rig.records("audit")
    assert (record["what"], record["by"], record["detail"]["person"]) == ("test", "technician", PERSON)
    assert key == f"{record['epoch']}/{record['seq']}"
    assert rig.unit.crew.journal.backlog == 0


@pytest.mark.parametrize("note", ["", "x" * (NOTE_MAX + 1), "two\nlines", 17, None, ["x"]])
def test_a_note_that_does_not_fit_is_refused_and_nothing_is_recorded(start: Start, note: object):
    rig = start()
    rig.live(1)
    with pytest.raises(ConfigError, match="1 to 200 characters"):
        do(rig, "mark", note=note)
    assert rig.records("audit") == []


def test_a_picture_is_given_sealed_after_its_audit_and_touches_no_card(start: Start):
    rig = start(camera=True)
    rig.live(1)
    rig.frame()
    told = do(rig, "snap")
    (record,) = rig.records("audit")
    assert (record["what"], record["detail"]["person"]) == ("snap", PERSON)
    assert base64.b64decode(told["sealed"]).decode().startswith(told["key"] + "/")
    assert rig.files.names() == set()
    assert rig.post.took == []


@pytest.mark.parametrize("term", [None, 3650])
def test_without_a_term_or_a_picture_none_is_taken_and_none_is_audited(start: Start, term: float | None):
    rig = start(camera=True, term=term)
    rig.live(1)
    if term is None:
        rig.frame()
    with pytest.raises(ConfigError, match="a term that has begun"):
        do(rig, "snap")
    assert [one for one in rig.records("audit") if one["what"] == "snap"] == []


def test_a_unit_without_a_lamp_cannot_show_itself(start: Start):
    rig = start()
    rig.live(1)
    with pytest.raises(DoorunitError, match="neither lamp nor buzzer"):
        do(rig, "identify", for_s=5)
