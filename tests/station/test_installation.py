"""An installation report is believed by the unit's own signature alone, and prints whatever a unit may have sent."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from edge import wire
from edge.errors import ConfigError, WireError
from edge.onsite.keys import sign
from edge.records import Audit
from edge.station import installation
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from edge.station.pdf import paper
from tests.station.conftest import event, stamp

TOLD = {
    "schema": 1,
    "unit": "door-1",
    "installer": "王芳 <b>&",
    "begun": "2026-11-24T10:00:00Z",
    "ended": "2026-11-24T10:04:00Z",
    "took_s": 240.0,
    "steps": [
        {"name": "walk", "state": "well", "ms": None, "at_s": 9.5, "found": {"moves": [{"to": "open", "edges": 3}]}},
        {"name": "a step of tomorrow", "state": "well", "ms": 3.5},
    ],
    "mask": [[[0, 0], [1, 0], [1, 1]]],
}
Keep = Callable[..., list[int | None]]


@pytest.fixture
def report(authority: Authority, tmp_path: Path) -> Callable[..., Audit]:
    """A report as the unit signs it."""
    who = authority.issue("door-1", tmp_path / "id")

    def make(seq: int, told: object = TOLD) -> Audit:
        text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
        audit = Audit(epoch="e1", seq=seq, at=stamp(), what="installed", by="installer", detail={"report": text})
        signature = sign(who.sign_seed.reveal(), wire.testimony("door-1", audit))
        return msgspec.structs.replace(audit, signature=base64.b64encode(signature).decode())

    return make


def test_the_newest_report_is_found_among_other_records_and_verifies(
    ledger: Ledger, authority: Authority, keep: Keep, report: Callable[..., Audit]
):
    keep(report(1, {**TOLD, "installer": "Li Wei"}), event(2), report(3), event(4))
    found = installation.newest(ledger, authority.known, "door-1")
    assert found.genuine
    assert (found.audit.seq, found.told["installer"]) == (3, "王芳 <b>&")
    assert paper(installation.sheet(found)).startswith(b"%PDF-")


@pytest.mark.parametrize("change", ["report", "by", "signature", "unit"])
def test_a_report_that_was_changed_or_is_another_unit_s_does_not_verify(
    ledger: Ledger, authority: Authority, keep: Keep, report: Callable[..., Audit], tmp_path: Path, change: str
):
    audit = report(1)
    if change == "report":
        audit = msgspec.structs.replace(audit, detail={"report": json.dumps({**TOLD, "took_s": 1})})
    elif change == "by":
        audit = msgspec.structs.replace(audit, by="unit")
    elif change == "signature":
        audit = msgspec.structs.replace(audit, signature="not base64")
    authority.issue("door-9", tmp_path / "other")
    unit = "door-9" if change == "unit" else "door-1"
    keep(audit, unit=unit)
    found = installation.newest(ledger, authority.known, unit)
    assert not found.genuine
    assert "NOT this unit's" in installation.sheet(found).notes[-1]


@pytest.mark.parametrize("told", ["", "{", "[]", '{"steps": 3}', {"steps": [{"name": 1}]}])
def test_a_report_that_cannot_be_read_is_said_to_be_so(
    ledger: Ledger, authority: Authority, keep: Keep, report: Callable[..., Audit], told: object
):
    keep(report(1, told))
    with pytest.raises(WireError, match="schema 1"):
        installation.newest(ledger, authority.known, "door-1")


def test_a_unit_that_nobody_has_signed_off_has_no_report(ledger: Ledger, authority: Authority, keep: Keep):
    keep(event(1))
    with pytest.raises(ConfigError, match="no report"):
        installation.newest(ledger, authority.known, "door-1")
