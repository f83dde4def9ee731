"""What a technician reads: the verdict first, in the terminal's language, never wider than the terminal."""

import pytest

from edge.onsite import show
from edge.onsite.check import Check, Found, Scene, skipped, well, wrong
from edge.onsite.doctor import Report, built_in, examine, one_by_one
from edge.onsite.words import WORDS, fold, language, pad, span, width
from tests.onsite.scenery import answer, scene, warning

LANGS = ("en", "zh")


def report(of: Scene, *finds: Found) -> Report:
    more = Check("plug-in", {one.name: (one.name, one.name) for one in finds}, lambda _: iter(finds))
    return examine(of, (*built_in(), more), one_by_one)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_terminals_language_is_spoken_unless_another_is_asked_for(environ: dict[str, str], wanted: str):
    assert language(None, environ) == wanted
    assert language("en", environ) == "en"


def test_both_languages_have_the_same_words():
    assert WORDS["en"].keys() == WORDS["zh"].keys()


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(0.25, "250 ms"), (1, "1 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (200, "3 min 20 s")],
)
def test_a_time_span_is_told_in_its_two_largest_units(seconds: float, wanted: str):
    assert span(seconds) == wanted


def test_chinese_takes_two_columns_and_lines_break_where_they_may():
    assert (width("门磁ok"), pad("门", 4)) == (6, "门  ")
    assert fold("aaa bbb ccc", 7, "  ") == "aaa bbb\n  ccc"
    assert fold("请重启本机，谢谢。", 12, "") == "请重启本机，\n谢谢。"
    assert fold("word", 2, "") == "word"  # what cannot be broken stays whole


@pytest.mark.parametrize("lang", LANGS)
def test_a_unit_that_is_well_says_so_in_its_first_line(lang: str):
    of = scene(answer())
    for text in (show.status(report(of), of, "door-1", lang), show.doctor(report(of), lang)):
        assert text.splitlines()[0] == f"{WORDS[lang]['WELL']}: {WORDS[lang]['all well']}"


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_is_wider_than_a_terminal_of_80_columns(lang: str):
    of = scene(answer(warning("link.network", detail="no answer " * 30), warning("power.low"), link_up=False))
    full = report(of, wrong("net.portal", "portal", "to " + "x" * 60, "none"), skipped("moon", "too far away " * 9))
    texts = (show.status(full, of, "door-1", lang), show.doctor(full, lang, everything=True), show.net(full, lang))
    for line in (line for text in texts for line in text.splitlines()):
        assert width(line) <= 80, line


def test_platforms_beside_the_main_one_are_told_with_what_waits_and_their_last_receipt():
    hub = {"name": "cloud", "link_up": False, "backlog": 812, "lost": 0, "in_flight": 0, "last_receipt_s": 7200.0}
    of = scene(answer(others=[hub]))
    told = [show.status(report(of), of, "door-1", lang) for lang in LANGS]
    assert "cloud down: 812 records wait, receipt 2 h ago" in told[0]
    assert "cloud 未连接：812 条记录待发" in told[1]
    assert "cloud down: 812 records wait" in show.doctor(report(of), "en", everything=True)
    alone = scene(answer())
    assert "others" not in show.status(report(alone), alone, "door-1", "en")


def test_a_cause_is_told_with_what_was_found_wanted_to_do_and_what_it_explains():
    of = scene(answer(warning("link.network", detail="silence"), link_up=False))
    text = show.doctor(report(of, wrong("net.interface", "interface", "none is up", "a cable")), "en")
    assert text.splitlines()[0] == "UNWELL: No network interface is connected"
    for line in ("  found     none is up", "  want      a cable", "  explains  The network is down"):
        assert line in text.splitlines()


def test_several_causes_are_counted_in_the_verdict_and_each_has_its_remedy():
    of = scene(answer(warning("power.low"), warning("spool.full")))
    lines = show.status(report(of), of, "door-1", "en").splitlines()
    assert lines[0] == "UNWELL: The supply voltage is too low, for 1 min 5 s (and 1 more)"
    text = " ".join(line.strip() for line in lines)
    assert "Use the 5 V supply" in text
    assert "`df -h` shows what fills the card" in text


def test_changes_are_told_by_what_came_and_what_went():
    before = report(scene(answer(warning("power.low"))))
    after = report(scene(answer(warning("spool.full", detail="no room"))))
    assert show.changes(before, after, "en") == [
        "WRONG  The card is full: no room",
        "ok  The supply voltage is too low",
    ]
    assert show.changes(after, after, "en") == []


def test_the_layers_of_the_network_are_in_their_order_and_timed():
    net = Check("net", {}, lambda _: iter((well("tcp", "x:1", ms=3.4), well("interface", "eth0"))))
    lines = show.net(examine(scene(answer()), (net,), one_by_one), "en").splitlines()
    assert lines[2:] == ["ok     interface    eth0", "ok     tcp          x:1 (3 ms)"]
