"""The check names each fault of a platform by its own row, and finds none in a platform that is right."""

import json
from pathlib import Path

import pytest

from edge.cli import MISUSED, UNWELL, WELL, main
from edge.identity import Identity
from edge.platform import check
from edge.platform.rows import NEEDS
from edge.sim.platform import BACKLOG_MOST, Fault
from edge.station.ca import Authority
from tests.platform.conftest import HASTE_S, WITHIN_S, Town, folder, unseen, wrong
from tests.whole.flat import free_port

# Fault -> the rows that must be wrong, and no others.
FAULTS = {
    Fault.ASKS_NO_CERTIFICATE: {"tls.client", "frames.client"},
    Fault.LETS_ALL_WRITE: {"topics.neighbour"},
    Fault.KEEPS_NOTHING: {"topics.retained"},
    Fault.NO_WILL: {"online.will"},
    Fault.NO_RECEIPT: {"receipt.comes"},
    Fault.LATE_RECEIPT: {"receipt.comes"},
    Fault.OTHER_EPOCH: {"receipt.names"},
    Fault.OTHER_SEQ: {"receipt.names"},
    Fault.PLAIN_SEQS: {"receipt.form"},
    Fault.ONCE_ONLY: {"receipt.again"},
    Fault.GENEROUS: {"receipt.sent"},
    Fault.BELIEVES_ANY_ID: {"receipt.own"},
    Fault.NOTHING_NEW: {"record.future"},
    Fault.FATAL_KIND: {"record.kind"},
    Fault.IN_ORDER_ONLY: {"record.order"},
    Fault.DROPS_BACKLOG: {"record.backlog"},
    Fault.WAITS_FOR_GAPS: {"record.gap"},
    Fault.UNSIGNED_COMMAND: {"command"},
    Fault.FRAME_REFUSED: {"frames.put"},
    Fault.FRAME_UNNAMED: {"frames.digest", "frames.signature"},
    Fault.FRAME_UNSIGNED: {"frames.signature"},
    Fault.FRAME_ONCE: {"frames.again"},
    Fault.FRAME_OF_ANYBODY: {"frames.neighbour"},
}

# The same over HTTPS.
POSTED = {
    Fault.POST_OF_ANYBODY: {"posts.neighbour"},
    Fault.REFUSES_POSTS: {"posts.own"},
    Fault.PLAIN_COMMANDS: {"posts.commands"},
    **{fault: FAULTS[fault] for fault in (Fault.ONCE_ONLY, Fault.OTHER_EPOCH, Fault.GENEROUS, Fault.PLAIN_SEQS)},
    **{fault: FAULTS[fault] for fault in (Fault.NO_RECEIPT, Fault.UNSIGNED_COMMAND, Fault.FRAME_OF_ANYBODY)},
}
SILENT = {
    Fault.NO_WILL,
    Fault.NO_RECEIPT,
    Fault.LATE_RECEIPT,
    Fault.ONCE_ONLY,
    Fault.NOTHING_NEW,
    Fault.FATAL_KIND,
    Fault.IN_ORDER_ONLY,
    Fault.DROPS_BACKLOG,
    Fault.WAITS_FOR_GAPS,
    Fault.OTHER_EPOCH,
    Fault.OTHER_SEQ,
    Fault.PLAIN_SEQS,
}


def test_a_platform_that_is_right_is_told_so_in_every_row(town: Town):
    rows = town.ask(town.platform(), backlog=1000)
    assert {name: row.found for name, row in rows.items() if row.verdict != "well"} == {}
    assert set(rows) == {name for name in NEEDS if not name.startswith("posts.")} - {"reach"}


def test_over_https_the_same_rules_hold_for_batches(town: Town):
    rows = town.ask(town.platform(), https=True, backlog=1000)
    assert {name: row.found for name, row in rows.items() if row.verdict != "well"} == {}
    assert {"receipt.again", "record.backlog", "frames.digest"} < set(rows)


def test_every_fault_that_is_shipped_has_its_row():
    assert set(FAULTS) | set(POSTED) == set(Fault)
    named = {name for names in (*FAULTS.values(), *POSTED.values()) for name in names}
    assert named == set(NEEDS) - {"reach", "https", "tls", "mqtt", "topics.own"}, "those have tests of their own"


@pytest.mark.parametrize(("fault", "names"), FAULTS.items())
def test_a_fault_is_named_by_its_row_and_by_no_other(town: Town, fault: Fault, names: set[str]):
    backlog = BACKLOG_MOST + 50 if fault is Fault.DROPS_BACKLOG else 20
    rows = town.ask(town.platform(fault), backlog=backlog, within_s=HASTE_S if fault in SILENT else WITHIN_S)
    assert wrong(rows) == names
    for name in names:
        assert rows[name].wanted == NEEDS[name].wanted
        assert rows[name].remedy


@pytest.mark.parametrize(("fault", "names"), POSTED.items())
def test_over_https_a_fault_is_named_alike(town: Town, fault: Fault, names: set[str]):
    assert wrong(town.ask(town.platform(fault), https=True)) == names


def test_a_broker_that_lets_nobody_in_or_say_anything_is_named(town: Town):
    made = town.platform()
    made.broker.manners.may = lambda _name, _topic: False
    assert {"topics.own", "receipt.comes"} <= wrong(town.ask(made, within_s=HASTE_S))
    made.broker.manners.admits = False
    rows = town.ask(made, within_s=HASTE_S)
    assert wrong(rows) == {"mqtt"}
    assert rows["mqtt"].found == "5: Not authorized; 3.1.1: Not authorized"


def test_a_broker_of_3_1_1_is_well_and_what_it_cannot_say_is_unseen(town: Town):
    rows = town.ask(town.platform(speaks_5=False))
    assert (wrong(rows), unseen(rows)) == (set(), {"topics.neighbour"})
    assert "3.1.1" in rows["mqtt"].found


def test_a_server_of_another_authority_is_wrong_and_nothing_else_is_claimed(town: Town, tmp_path: Path):
    made = town.platform()
    stranger = Authority.open(tmp_path / "ca").issue("wirecheck-2", tmp_path / "identity")
    rows = Town(Authority.open(tmp_path / "ca"), stranger).ask(made)
    assert wrong(rows) == {"tls", "https"}
    assert {"receipt.comes", "command", "online.will", "frames.client"} <= unseen(rows)


@pytest.mark.parametrize(("scheme", "name"), [("mqtts", "reach"), ("https", "https")])
def test_where_nobody_listens_one_row_says_so_and_the_others_claim_nothing(who: Identity, scheme: str, name: str):
    rows = {row.name: row for row in check.check(check.Plan(f"{scheme}://127.0.0.1:{free_port()}", who))}
    assert wrong(rows) == {name}
    assert "nothing listens" in rows[name].found
    assert unseen(rows) == set(rows) - {name}


def test_the_verb_tells_rows_in_json_and_ends_with_one_where_anything_is_wrong(town: Town, who: Identity, capsys):
    made = town.platform(Fault.FRAME_UNSIGNED)
    words = ["wire", "check", f"mqtts://localhost:{made.broker.port}", "--identity", str(folder(who)), "--backlog", "5"]
    words += ["--within", "10"]
    assert main([*words, "--json"]) == WELL
    told = json.loads(capsys.readouterr().out)
    assert told["well"] is True
    assert {row["verdict"] for row in told["rows"] if row["name"].startswith("frames.")} == {"unseen"}
    assert main([*words, "--frames", f"https://localhost:{made.web_port}"]) == UNWELL
    out = capsys.readouterr().out
    assert "wrong   frames.signature" in out
    assert NEEDS["frames.signature"].remedy in out


@pytest.mark.parametrize("url", ["", "http://localhost", "mqtt://localhost:1883", "mqtts://", "https://h:99999", "x"])
def test_an_address_that_is_none_is_a_misuse(who: Identity, url: str, capsys):
    assert main(["wire", "check", url, "--identity", str(folder(who))]) == MISUSED
    assert "want mqtts://HOST:PORT or https://HOST:PORT" in capsys.readouterr().err


def test_a_real_units_identity_is_not_played_with(authority: Authority, tmp_path: Path, capsys):
    authority.issue("door-7", tmp_path / "identity")
    assert main(["wire", "check", "mqtts://localhost:1", "--identity", str(tmp_path / "identity")]) == MISUSED
    assert "wirecheck-" in capsys.readouterr().err
