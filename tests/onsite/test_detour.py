"""MQTT is blocked and the unit is up by HTTPS: doctor and net call it well, with a note; both dead is a cause."""

import socket
import ssl

import pytest

from edge.onsite import show
from edge.onsite.checks import net
from edge.onsite.doctor import Report, built_in, examine, one_by_one, to_json
from edge.onsite.words import WORDS
from edge.warnings import ROWS
from tests.onsite.scenery import answer, found, scene, warning
from tests.onsite.test_checks import UNVERIFIED, WELL_NET

NOTE = "link.fallback"
BLOCKS = {
    "refused": {"dial": ConnectionRefusedError(111, "refused")},
    "dropped": {"dial": TimeoutError("timed out")},
    "no such name": {"resolve": socket.gaierror(socket.EAI_NONAME, "none")},
    "taken in between": {"shake": UNVERIFIED},
    "cut off": {"shake": ssl.SSLError(1, "wrong version number")},
}


def examined(*wrong: dict[str, object], block: str = "refused", up: bool = True, link: str = "https") -> Report:
    told = answer(*wrong, link_up=up, link=link)
    return examine(scene(told, **{**WELL_NET, **BLOCKS[block]}), built_in("net", "service"), one_by_one)


def codes(report: Report) -> tuple[list[str], list[str]]:
    return [line.found.code for line in report.roots], [line.found.code for line in report.notes]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("shown", [True, False])
def test_the_way_that_lives_wins_and_the_block_is_a_note(block: str, shown: bool):
    report = examined(warning(NOTE, shown=shown), block=block)
    assert codes(report) == ([], [NOTE])
    told = to_json(report)
    assert (told["well"], told["causes"]) == (True, [])
    (note,) = (row for row in told["checks"] if row["code"] == NOTE)
    assert (note["state"], note["remedy"]) == ("well", ROWS[NOTE].remedy)


def test_what_the_agent_last_saw_of_mqtt_is_no_cause_while_it_is_up_by_https():
    report = examined(warning("link.server"), warning(NOTE, shown=False, by=("link.server",)))
    assert codes(report) == ([], [NOTE])


@pytest.mark.parametrize(("block", "cause"), [("refused", "link.server"), ("dropped", "net.blocked")])
def test_with_both_ways_dead_the_cause_is_named_as_before_and_there_is_no_note(block: str, cause: str):
    last = warning(NOTE, shown=False, by=("link.server",))
    assert codes(examined(warning("link.server"), last, block=block, up=False, link="")) == ([cause], [])


def test_the_layers_below_the_one_that_is_blocked_are_skipped_and_the_agent_is_still_asked():
    seen = found(net.CHECK, scene(answer(link="https"), **{**WELL_NET, **BLOCKS["refused"]}))
    assert (seen["tcp"].state, seen["tcp"].code) == ("well", NOTE)
    assert seen["tls"].state == "skipped"
    assert seen["broker"].found == "HTTPS, says the agent"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_technician_reads_well_and_then_the_note(lang: str):
    report, title = examined(warning(NOTE)), (ROWS[NOTE].en, ROWS[NOTE].zh)[lang == "zh"]
    for text in (show.doctor(report, lang), show.net(report, lang)):
        assert text.splitlines()[0] == f"{WORDS[lang]['WELL']}: {WORDS[lang]['all well']}"
        assert title in text
        assert f"[{NOTE}]" in text.replace("\n  ", "")
    of = scene(answer(warning(NOTE), link="https"))
    assert "HTTPS (platform.example:8883)" in show.status(report, of, "door-1", lang)
