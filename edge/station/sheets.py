"""The team's lists as sheets: a title, columns, rows. In Chinese or English; for paper (pdf.py) or a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec

from edge.station.audit import Row
from edge.station.office import Language, Office
from edge.wire import from_rfc3339

JSON = dict[str, Any]
Pair = tuple[str, str]  # zh, en

_WORDS: dict[str, Pair] = {
    "today": ("今日在期名单", "In term today"),
    "week": ("一周汇总", "The week"),
    "openings": ("开门记录", "Openings"),
    "audit": ("查看与操作记录", "Who looked, and did what"),
    "flat": ("住户", "Flat"),
    "unit": ("设备", "Unit"),
    "term": ("期限", "Term"),
    "day": ("天数", "Day"),
    "last": ("最近开门", "Last opening"),
    "attended": ("处置", "Attended"),
    "time": ("时间", "Time"),
    "expected": ("预约", "Expected"),
    "count": ("开门次数", "Openings"),
    "person": ("人员", "Person"),
    "what": ("事项", "What"),
    "subject": ("对象", "Of"),
    "detail": ("说明", "Detail"),
    "made": ("制表时间 {0}（{1}）", "As of {0} ({1})"),
    "none": ("未处置", "no"),
    "yes": ("是", "yes"),
    "total": (
        "开门 {0} 次：预约 {1}，已处置 {2}，未处置 {3}。现有 {4} 户在期，本周结束 {5} 户。",
        "{0} openings: {1} expected, {2} attended, {3} not attended. {4} in term now, {5} ended.",
    ),
    "from": ("{0} 至 {1}", "{0} to {1}"),
    "looked": ("查看图片", "looked at a picture"),
    "attended.act": ("处置开门", "attended an opening"),
    "labelled": ("修改住户标签", "changed the label"),
    "gave an order": ("下达指令", "gave an order"),
    "exported": ("导出", "exported"),
    "read audit": ("查阅本记录", "read this list"),
    "signed in": ("登录", "signed in"),
    "signed out": ("退出", "signed out"),
    "sign-in refused": ("登录被拒", "sign-in refused"),
    "changed password": ("修改密码", "changed password"),
    "added person": ("新增人员", "added a person"),
    "removed person": ("移除人员", "removed a person"),
    "reset password": ("重置密码", "reset a password"),
    "doctor": ("医生", "doctor"),
    "delivery": ("配送", "delivery"),
    "staff": ("工作人员", "staff"),
    "resident": ("住户", "resident"),
}


class Sheet(msgspec.Struct, frozen=True):
    """One list. widths: of the columns, as shares of the paper."""

    title: str
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


def word(key: str, language: Language) -> str:
    """The words for it, or itself."""
    return _WORDS.get(key, (key, key))[language == "en"]


def today(flats: Sequence[JSON], office: Office, now_ns: int, language: Language) -> Sheet:
    """Who is in term: for the volunteers and the gate."""
    rows = [
        (
            flat["label"] or "-",
            flat["unit"],
            word("from", language).format(clock(flat["starts"], office), clock(flat["ends"], office)),
            f"{flat['day']}/{flat['days']}",
            clock(flat["last"]["time"], office) if flat["last"] else "-",
            _who(flat["last"], language) if flat["last"] else "-",
        )
        for flat in flats
        if flat["term"] == "now"
    ]
    return _sheet(
        "today",
        ("flat", "unit", "term", "day", "last", "attended"),
        (4, 4, 8, 2, 4, 5),
        rows,
        language,
        _made(now_ns, office, language),
    )


def week(sums: JSON, office: Office, language: Language) -> Sheet:
    """A week in numbers."""
    keys = ("openings", "expected", "attended", "unattended", "in_term", "ended")
    period = word("from", language).format(clock(sums["from"], office), clock(sums["to"], office))
    rows = [(one["label"] or "-", one["unit"], *(str(one[key]) for key in keys[:3])) for one in sums["units"]]
    notes = (period, word("total", language).format(*(sums[key] for key in keys)))
    return _sheet("week", ("flat", "unit", "count", "expected", "attended"), (4, 4, 3, 3, 3), rows, language, *notes)


def openings(found: Sequence[JSON], office: Office, language: Language) -> Sheet:
    """Each opening, and who saw to it."""
    rows = [
        (
            clock(one["time"], office, fine=True),
            one["label"] or "-",
            one["unit"],
            word(one["expected"], language) if one["expected"] else "-",
            _who(one, language),
            " / ".join(each["note"] for each in one["attended"] if each["note"]),
        )
        for one in found
    ]
    columns = ("time", "flat", "unit", "expected", "attended", "detail")
    return _sheet("openings", columns, (5, 3, 4, 3, 6, 6), rows, language)


def audit(found: Sequence[Row], unit: str, label: str, office: Office, language: Language) -> Sheet:
    """All that was done at the station about one unit, or about any: newest first."""
    rows = [
        (
            f"{office.local(row.at_ns):%Y-%m-%d %H:%M:%S}",
            row.person,
            word("attended.act" if row.what == "attended" else row.what, language),
            row.subject[:24],
            row.detail,
        )
        for row in found
    ]
    of = (" ".join(filter(None, (label, unit))),) if unit else ()
    return _sheet("audit", ("time", "person", "what", "subject", "detail"), (5, 4, 5, 6, 6), rows, language, *of)


def csv_of(sheet: Sheet) -> bytes:
    """UTF-8 with the mark that Excel wants; a cell that a spreadsheet would run as a formula is disarmed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(sheet.columns)
    writer.writerows([[_disarmed(cell) for cell in row] for row in sheet.rows])
    return text.getvalue().encode("utf-8-sig")


def clock(time: str | None, office: Office, *, fine: bool = False) -> str:
    """An RFC 3339 time as the office's wall clock shows it."""
    if time is None:
        return "-"
    moment = office.local(from_rfc3339(time))
    return f"{moment:%Y-%m-%d %H:%M:%S}" if fine else f"{moment:%m-%d %H:%M}"


def _who(opening: JSON, language: Language) -> str:
    return ", ".join(one["person"] for one in opening["attended"]) or word("none", language)


def _made(now_ns: int, office: Office, language: Language) -> str:
    return word("made", language).format(f"{office.local(now_ns):%Y-%m-%d %H:%M}", office.habits.zone)


def _sheet(
    title: str,
    columns: Sequence[str],
    widths: tuple[int, ...],
    rows: Sequence[tuple[str, ...]],
    language: Language,
    *notes: str,
) -> Sheet:
    names = tuple(word(column, language) for column in columns)
    return Sheet(word(title, language), notes, names, widths, tuple(rows))


def _disarmed(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell != "-" else cell
