"""Doctor finds the cause among what is wrong; no check that breaks or hangs keeps it from that."""

import threading
from collections.abc import Iterator

import msgspec
import pytest

from edge.clock import SECOND
from edge.errors import PartError
from edge.onsite.check import Check, Cure, Found, Scene, skipped, well, wrong
from edge.onsite.doctor import BUILT_IN, built_in, examine, mend, one_by_one, side_by_side, to_json
from edge.onsite.machine import Machine
from edge.onsite.rows import ALL, MORE, parents
from edge.warnings import ROWS, Row
from tests.onsite.scenery import answer, scene, warning

ELSE = Check("service", {}, lambda _: iter(()))


def check(name: str, *finds: Found, **more: object) -> Check:
    return Check(name, {name: (name.title(), "检查")}, lambda _: iter(finds), **more)  # type: ignore[arg-type]  # as given


def causes(of: Scene, *checks: Check) -> list[str]:
    return [line.found.code for line in examine(of, checks, one_by_one).roots]


# The rows


@pytest.mark.parametrize("row", ALL.values(), ids=ALL)
def test_every_row_says_in_both_languages_what_to_do(row: Row):
    assert row.remedy.endswith(".")
    assert row.remedy_zh.endswith("。")
    assert row.en
    assert row.zh


def test_no_row_is_in_both_tables_and_no_two_say_the_same():
    assert not ROWS.keys() & MORE.keys()
    assert len({row.en for row in ALL.values()}) == len({row.zh for row in ALL.values()}) == len(ALL)


@pytest.mark.parametrize("code", ALL)
def test_nothing_explains_itself_on_any_path(code: str):
    above = set(parents(code))
    while more := {each for one in above for each in parents(one)} - above:
        above |= more
    assert code not in above


# The cause


def test_a_unit_with_nothing_wrong_has_no_cause():
    report = examine(scene(answer()), [check("card", well("card", "writable"))], one_by_one)
    assert report.roots == []
    assert to_json(report)["well"] is True


def test_what_another_finding_explains_is_hushed_and_says_by_what():
    finds = (wrong("net.interface", "net", "none", "one"), wrong("clock.unsynced", "net", "1970", "a time"))
    report = examine(scene(), [check("net", *finds)], one_by_one)
    assert [line.found.code for line in report.roots] == ["net.interface"]
    (hushed,) = (line for line in report.lines if line.by)
    assert (hushed.found.code, hushed.by) == ("clock.unsynced", ("net.interface",))


def test_the_agents_warning_is_a_finding_of_the_check_whose_business_it_is():
    board = check("board", well("supply", "5 V"), tells={"power": "supply"})
    report = examine(scene(answer(warning("power.low"))), [board, ELSE], one_by_one)
    (line,) = report.lines  # it is not called well beside that
    assert (line.check, line.found.name, line.found.code, line.title[0]) == (
        "board",
        "supply",
        "power.low",
        ROWS["power.low"].en,
    )


def test_what_the_agent_and_a_check_both_find_is_told_once():
    board = check("board", wrong("power.low", "supply", "now", "5 V"), tells={"power": "supply"})
    assert causes(scene(answer(warning("power.low"))), board) == ["power.low"]


def test_what_is_measured_within_the_agents_grace_time_is_no_cause_yet():
    board = check("board", wrong("heat.high", "heat", "85.0 C", "below 80 C"), tells={"heat": "heat"})
    (line,) = examine(scene(answer(warning("heat.high", shown=False))), [board], one_by_one).lines
    assert (line.found.state, line.found.found, line.found.for_s) == ("soon", "85.0 C", 65.0)


def test_a_warning_within_its_grace_time_is_no_cause_yet():
    report = examine(scene(answer(warning("heat.high", shown=False))), [ELSE], one_by_one)
    assert [(line.found.state, line.is_root) for line in report.lines] == [("soon", False)]


def test_what_the_agent_hushes_is_hushed_here_too():
    wrongs = (warning("link.network"), warning("receipt.none", shown=False, by=("link.network",)))
    assert causes(scene(answer(*wrongs)), ELSE) == ["link.network"]


def test_what_is_measured_now_outdoes_what_the_agent_saw_of_the_link_before():
    net = check("net", wrong("link.server", "tcp", "nothing listens", "a broker"), tells={"link": "link"})
    assert causes(scene(answer(warning("link.network"))), net) == ["link.server"]


def test_a_warning_of_a_newer_agent_is_told_in_its_own_words():
    report = examine(scene(answer(warning("moon.full"))), [ELSE], one_by_one)
    (line,) = report.roots
    assert (line.title, line.row.remedy) == (("moon.full", "moon.full"), "Do moon.full.")


def test_a_report_of_the_link_alone_is_not_told_of_the_card():
    assert causes(scene(answer(warning("spool.full"))), check("net", tells={"link": "link"})) == []


# Checks that misbehave


def test_a_check_that_breaks_is_skipped_and_says_why_and_the_others_are_heard():
    def broken(_: Scene) -> Iterator[Found]:
        yield well("first", "fine")
        raise ZeroDivisionError("by zero")

    checks = (Check("broken", {}, broken), check("card", well("card", "writable")))
    for run in (one_by_one, side_by_side):
        found = run(checks, scene(), 1.0)
        assert [one.state for one in found["broken"]] == ["well", "skipped"]
        assert found["broken"][1].found == "the check itself broke: ZeroDivisionError: by zero"
        assert [one.state for one in found["card"]] == ["well"]


def test_a_check_that_hangs_is_left_behind_at_its_deadline_and_what_it_said_before_counts(tmp_path):
    ends = threading.Event()

    def hangs(_: Scene) -> Iterator[Found]:
        yield well("first", "fine")
        ends.wait(10)
        yield well("second", "late")

    real = scene().config
    clock = Machine(real, tmp_path)
    of = Scene(real, None, None, None, clock)
    began_ns = clock.now()
    found = side_by_side((Check("hangs", {}, hangs, deadline_s=0.05), check("card", well("card", "writable"))), of, 5.0)
    assert clock.now() - began_ns < 5 * SECOND
    ends.set()
    assert [(one.name, one.state) for one in found["hangs"]] == [("first", "well"), ("hangs", "skipped")]
    assert len(found["card"]) == 1


# Cures and JSON


def test_every_cure_is_done_once_asked_for_and_one_that_cannot_be_says_why():
    full = PartError("file x", found="read-only", wanted="a folder that can be written", remedy="`mount` shows it.")

    def refuse() -> str:
        raise full

    finds = (
        wrong("identity.open", "keys", "open", "closed", Cure("close", "收紧", lambda: "closed")),
        Found(name="left", state="soon", found="x", cure=Cure("remove", "删除", refuse)),
    )
    report = examine(scene(), [check("identity", *finds)], one_by_one)
    assert mend(report) == ["closed", str(full)]


def test_in_json_every_finding_has_its_words_remedy_parents_and_grace():
    down = msgspec.structs.replace(wrong("link.network", "tcp", "silence", "an answer"), ms=12.34)
    net = check("net", down, skipped("tls", "needs tcp"))
    told = to_json(examine(scene(), [net], one_by_one))
    assert (told["schema"], told["well"], told["causes"]) == (1, False, ["link.network"])
    first, second = told["checks"]
    assert first["remedy"] == ROWS["link.network"].remedy
    assert (first["ms"], first["grace_s"], first["state"]) == (12.3, 5, "wrong")
    assert "net.interface" in first["parents"]
    assert (second["state"], second["found"], second["hushed_by"]) == ("skipped", "needs tcp", [])


def test_every_check_that_comes_with_the_unit_has_a_title_for_whatever_it_finds():
    for one in built_in():
        for of in (scene(), scene(answer())):
            assert {found.name for found in one.run(of)} <= one.titles.keys()
    assert [one.name for one in built_in()] == list(BUILT_IN)
