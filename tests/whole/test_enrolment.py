"""From the workshop's batch to a unit that is heard, taken back and given a new card: every step as people do it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.onsite import bootfile
from edge.sim import remote
from tests.whole.conftest import until
from tests.whole.flat import free_port
from tests.whole.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    opened = Workshop(tmp_path)
    yield opened
    opened.close()


def test_a_unit_enrols_as_it_starts_is_revoked_and_comes_back_with_a_new_card(workshop: Workshop):
    cards = workshop.cards("batch", "2", out="cards")
    assert (cards / "labels.pdf").read_bytes().startswith(b"%PDF-")
    boot_file = cards / "door-1" / bootfile.NAME
    unit = workshop.run(workshop.settings(boot_file))
    until(lambda: "link up" in workshop.log())
    assert bootfile.read(boot_file).token is None
    assert workshop.states() == {"door-1": "enrolled", "door-2": "card"}

    assert workshop.desk("revoke", "door-1")["certificates"] == 1
    assert workshop.states()["door-1"] == "revoked"
    until(lambda: "link.denied" in workshop.log() or _moved(workshop))
    assert workshop.end(unit) == 0
    unit = workshop.run(workshop.settings(boot_file))
    until(lambda: "link.refused" in workshop.log())
    assert workshop.end(unit) == 0

    again = workshop.cards("reissue", "door-1", out="again") / "door-1" / bootfile.NAME
    workshop.run(workshop.settings(again))
    until(lambda: workshop.log().count("link up") == 2)
    assert workshop.states()["door-1"] == "enrolled"


def test_a_unit_that_waits_for_its_station_ends_when_it_is_told_to(workshop: Workshop):
    boot_file = workshop.cards("batch", "1", out="cards") / "door-1" / bootfile.NAME
    boot_file.write_text(boot_file.read_text().replace(f":{workshop.told['enrol']}", f":{free_port()}"))
    unit = workshop.start("run", "--simulate", "--config", str(workshop.settings(boot_file)), name="unit")
    until(lambda: "link.server" in workshop.log())
    assert workshop.end(unit) == 0
    assert bootfile.read(boot_file).token is not None


def _moved(workshop: Workshop) -> bool:
    """Open and shut the door, so that the unit says something."""
    for to in ("open", "shut"):
        remote.move(workshop.folder / "state" / remote.NAME, to)
    return False


def test_a_unit_without_a_token_waits_until_a_person_accepts_its_code(workshop: Workshop):
    boot_file = workshop.cards("batch", "1", out="cards") / "door-1" / bootfile.NAME
    bootfile.erase_token(boot_file)
    settings = str(workshop.settings(boot_file))
    waiting = workshop.start("enrol", "--config", settings, "--boot-file", str(boot_file), "--json", name="unit")
    until(lambda: "enrol.pending" in workshop.log())
    (one,) = (one for one in workshop.desk("units")["units"] if one["state"] == "pending")
    assert f"doorunit station accept {one['code']}" in workshop.log()
    assert workshop.desk("accept", one["code"].lower(), "--unit", "door-9") == {"unit": "door-9"}
    assert waiting.stdout is not None
    assert json.loads(waiting.stdout.readline()) == {"unit": "door-9", "enrolled": True, "code": one["code"]}
    assert waiting.wait(20) == 0
    assert workshop.states()["door-9"] == "enrolled"
