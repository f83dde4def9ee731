"""Of the last records it is known when each step was done; of older ones, and of what is erased, nothing is left."""

import pytest

from edge.errors import ServerError
from edge.unit.answers import QUESTIONS
from edge.unit.trace import EDGES_OF_ONE, LIVES
from tests.unit.conftest import Start
from tests.unit.rig import JSON, Rig

DOWN = ServerError("broker", found="nothing", wanted="a broker", remedy="Wait.")


def ask(rig: Rig, name: str = "why", **args: object) -> JSON:
    told: list[JSON] = []
    QUESTIONS[name](rig.unit, args, told.append)
    rig.live(0.2)
    (answer,) = told
    return answer


def opened(rig: Rig, wave: str = "bounce") -> JSON:
    rig.play(wave, closed=False)
    rig.live(1)
    return ask(rig)["life"]


def test_an_opening_has_its_raw_changes_and_every_step_in_order(start: Start):
    rig = start()
    rig.live(1)
    life = opened(rig)
    assert life["what"] == "opened"
    assert life["edges_us"][0] == 0
    assert len(life["edges_us"]) == life["edges"] > 1
    assert life["edges_us"] == sorted(life["edges_us"])
    assert 50 <= life["made_ms"] == life["sent_ms"] <= life["stored_ms"] <= life["receipt_ms"]
    assert (life["link_down_ms"], life["backlog"], life["sends"], life["by"]) == (None, 0, 1, [])


def test_a_link_that_was_down_is_told_with_since_when_and_what_waited_before(start: Start):
    rig = start()
    rig.live(1)
    rig.link.drop(DOWN)
    rig.live(20)
    rig.play("clean", closed=False)
    rig.live(2)
    rig.play("clean", closed=True)
    rig.live(2)
    life = ask(rig)["life"]
    assert life["what"] == "shut"
    assert (life["backlog"], life["sent_ms"], life["receipt_ms"]) == (1, None, None)
    assert life["link_down_ms"] == pytest.approx(-22_000, abs=100)
    assert "link.server" in {row["code"] for row in life["by"]}


def test_a_warning_that_begins_while_a_record_waits_stands_by_it(start: Start):
    rig = start()
    rig.live(1)
    rig.platform = False
    opened(rig, "clean")
    rig.unit.crew.health.set("receipt.none", rig.clock.now(), "nothing")
    assert [row["code"] for row in ask(rig)["life"]["by"]] == ["receipt.none"]


def test_pictures_are_told_one_by_one_and_their_set_on_its_own_way(start: Start):
    rig = start(camera=True)
    rig.live(1)
    rig.play("clean", closed=False)
    for _ in range(20):
        rig.frame()
        rig.live(0.5)
    life = ask(rig)["life"]
    assert len(life["pictures"]) > 5
    for picture in life["pictures"]:
        assert picture["taken_ms"] <= picture["sealed_ms"] <= picture["kept_ms"] <= picture["delivered_ms"]
    assert life["pictures_told"]["receipt_ms"] > life["receipt_ms"]


def test_however_much_happens_the_trace_stays_small(start: Start):
    rig = start()
    rig.platform = False
    rig.live(1)
    for i in range(LIVES + 20):
        rig.unit.crew.recorder.audit("test", "technician", {"n": i})
    for _ in range(1000):
        rig.unit.crew.trace.edge(rig.clock.now())
    opened(rig, "clean")
    trace = rig.unit.crew.trace
    assert len(trace.lives) == LIVES
    assert len(trace._ways) == LIVES
    assert len(trace._rows) <= LIVES
    assert max(len(life.edges_ns) for life in trace.lives) <= EDGES_OF_ONE


def test_what_is_older_than_the_trace_is_looked_for_in_the_spool(start: Start):
    rig = start()
    rig.live(1)
    rig.platform = False
    for i in range(LIVES + 6):
        rig.unit.crew.recorder.audit("test", "technician", {"n": i})
    rig.live(1)
    first = ask(rig, "spool", limit=1)["rows"][0]["record"]
    told = ask(rig, event=f"{first['epoch']}/{first['seq']}")
    assert (told["life"], told["waits"], told["before"], told["record"]) == (None, True, 0, first)
    assert ask(rig, event="999999")["waits"] is False


@pytest.mark.parametrize("args", [{"after": "x"}, {"after": -1}, {"limit": None}, {"limit": True}, {"after": 2**70}])
def test_a_count_that_is_none_is_passed_over(start: Start, args: JSON):
    rig = start()
    rig.live(1)
    assert ask(rig, "events", **args)["watching"] is True
    assert ask(rig, "spool", **args)["records"] == 0


def test_what_the_unit_forgets_when_it_erases_the_trace_forgets_too(start: Start):
    rig = start(term=0.001)
    rig.live(1)
    opened(rig, "clean")
    rig.live(2 * 3600)
    kinds = {type(life.record).__name__ for life in rig.unit.crew.trace.lives}
    assert kinds == {"Audit"}
    assert ask(rig)["life"] is None
    assert not rig.unit.crew.trace._edges
