"""The team's lists as files: what a spreadsheet opens, what a printer prints, in Chinese and in English."""

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.clock import SECOND
from edge.errors import PartError
from edge.station import pdf, sheets
from edge.station.people import Role
from edge.station.sheets import Sheet
from tests.station.desk import MORNING, Desk, opened, see, term


@pytest.fixture
def desk(tmp_path: Path, authority) -> Iterator[Desk]:
    with closing(Desk(tmp_path / "station", authority)) as made:
        see(made.ledger, "door-1", term("2026-11-20 12:00", "2026-12-04 12:00"))
        see(made.ledger, "door-2", term("2026-11-01 12:00", "2026-11-20 12:00"))
        opened(made.ledger, "door-1", 1, MORNING - 600 * SECOND)
        made.office.book.label("door-1", "=HYPERLINK(1)", "(test)", MORNING)
        made.office.book.attend(("door-1", "e1", 1), "王芳", "+送医", MORNING)
        made.person("w", Role.WORKER)
        yield made


def rows(desk: Desk, what: str) -> list[list[str]]:
    answer = desk.browser("w").get(f"/api/export/{what}")
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")  # without it Excel takes Chinese for Latin
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_daily_list_has_those_in_term_and_no_cell_is_a_formula(desk):
    assert rows(desk, "today.csv") == [
        ["住户", "设备", "期限", "天数", "最近开门", "处置"],
        ["'=HYPERLINK(1)", "door-1", "11-20 12:00 至 12-04 12:00", "5/15", "11-24 09:20", "王芳"],
    ]


def test_openings_say_who_attended_and_what_they_noted(desk):
    assert rows(desk, "openings.csv?lang=en&days=3") == [
        ["Time", "Flat", "Unit", "Expected", "Attended", "Detail"],
        ["2026-11-24 09:20:00", "'=HYPERLINK(1)", "door-1", "-", "王芳", "'+送医"],
    ]


def test_the_week_is_one_row_a_flat(desk):
    assert rows(desk, "week.csv?lang=en")[1:] == [["'=HYPERLINK(1)", "door-1", "1", "0", "1"]]


@pytest.mark.parametrize("what", ["nothing.csv", "today.exe", "openings.csv?days=x"])
def test_a_list_that_there_is_not_is_refused(desk, what: str):
    assert desk.browser("w").get(f"/api/export/{what}").status_code in (400, 403)


def test_a_pdf_of_the_daily_list_is_a_pdf_with_its_own_type_in_it(desk):
    answer = desk.browser("w").get("/api/export/today.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert b"FontFile" in answer.content  # embedded: any reader and any printer shows it
    assert len(answer.content) < 200_000


def test_a_long_list_goes_on_over_several_sheets_of_paper():
    long = Sheet("List", (), ("a", "b"), (1, 1), tuple((f"row {n}", "x") for n in range(120)))
    assert pdf.paper(long, Path("/nowhere")).count(b"/Type /Page\n") >= 3


def test_an_empty_list_can_be_printed_too():
    assert pdf.paper(Sheet("List", ("nobody",), ("a",), (1,), ()), Path("/nowhere")).startswith(b"%PDF-")


def test_where_chinese_type_is_missing_the_cure_is_said(tmp_path: Path):
    chinese = Sheet("今日", (), ("住户",), (1,), ())
    with pytest.raises(PartError, match="sudo apt install fonts-noto-cjk"):
        pdf.paper(chinese, tmp_path / "none.ttc")


def test_every_act_that_is_written_down_has_words_in_both_languages():
    from edge.station.audit import Act

    for act in Act:
        key = "attended.act" if act is Act.ATTENDED else act.value
        assert sheets.word(key, "zh") != key
        assert sheets.word(key, "en")
