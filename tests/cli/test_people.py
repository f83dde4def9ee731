"""`doorunit station people`: accounts made in the station's shell; and an open page, on a bench only."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge.cli import MISUSED, WELL, main
from edge.clock import SystemClock
from edge.station.audit import Act, Trail
from edge.station.ledger import Ledger
from edge.station.people import People


@pytest.fixture
def people(capsys, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Run `doorunit station people ...` on one folder."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["station", "people", *words, "--dir", str(tmp_path)])
        return (code, *capsys.readouterr())

    return run


def test_the_first_password_is_printed_once_and_signs_in(people, tmp_path: Path):
    code, out, _ = people("add", "王芳", "--role", "worker", "--role", "technician", "--json")
    told = json.loads(out)
    assert (code, told["name"]) == (WELL, "王芳")
    assert told["first_password"] not in people("list")[1]
    with closing(Ledger(tmp_path)) as ledger:
        now_ns = SystemClock().read().wall_ns
        signed_in = People(ledger, Trail(ledger)).sign_in("王芳", told["first_password"], "here", now_ns)
    assert signed_in


def test_accounts_are_listed_reset_and_removed_and_the_audit_says_by_whom(people, tmp_path: Path):
    people("add", "a", "--role", "installer")
    assert people("list")[1] == "a  installer  (first password)\n"
    assert "first password" in people("reset", "a")[1]
    assert people("remove", "a")[:2] == (WELL, "a: removed\n")
    assert json.loads(people("list", "--json")[1]) == {"people": []}
    assert people("list")[1] == "nobody\n"
    with closing(Ledger(tmp_path)) as ledger:
        rows = [(row.person, row.what, row.subject) for row in Trail(ledger).rows()]
    assert rows == [("(shell)", act, "a") for act in (Act.REMOVED, Act.RESET, Act.ADDED)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("add", "a"), "found no role"),
        (("remove", "nobody"), "found no account of that name"),
        (("reset", "nobody"), "found no account of that name"),
        (("add", "two\nlines", "--role", "worker"), "want 1 to 40 printable characters"),
        ((), "found nothing more"),
        (("add",), "found add; want add NAME"),
        (("list", "a"), "found list a"),
        (("dance", "a"), "found dance a"),
        (("add", "a", "--role", "king"), "--role"),
    ],
)
def test_a_misuse_says_what_was_found_and_what_to_do(people, words: tuple[str, ...], found: str):
    code, out, err = people(*words)
    assert (code, out) == (MISUSED, "")
    assert found in err


def test_an_open_page_is_refused_where_others_could_reach_it(capsys, tmp_path: Path):
    code = main(["station", "run", "--open", "--page-host", "0.0.0.0", "--dir", str(tmp_path)])
    assert code == MISUSED
    assert "--open: found a page on 0.0.0.0; want a page on 127.0.0.1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_time_zone_that_there_is_not_is_refused_at_the_start(capsys, tmp_path: Path):
    code = main(["station", "run", "--zone", "Asia/Nowhere", "--dir", str(tmp_path), "--mqtt-port", "0"])
    assert (code, "time zone: found 'Asia/Nowhere'" in capsys.readouterr().err) == (MISUSED, True)
