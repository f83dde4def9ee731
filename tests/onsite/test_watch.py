"""The live screen fits a terminal of 80 by 24 whatever the unit says, and says so when it says nothing."""

import pytest

from edge.onsite.watch import COLUMNS, LINES, WORDS, Watch, plot, styled, waveform
from edge.onsite.words import width
from tests.onsite.scenery import answer, warning
from tests.onsite.test_life import QUICK

LANGS = ("en", "zh")


def status(*wrong: dict, **changes: object) -> dict:
    told = {"camera_enabled": True, **answer(*wrong, **changes)}
    more = {"temp_c": 51.2, "mem_free_mb": 300.4, "disk_free_mb": None, "glitches": 2, "under_voltage": False}
    told["pulse"] = {**told["pulse"], **more}
    return told


@pytest.mark.parametrize("lang", LANGS)
def test_it_fits_a_terminal_however_much_there_is_to_say(lang: str):
    watch = Watch(lang)
    wrong = [warning(code) for code in ("link.network", "power.low", "spool.full", "heat.high", "clock.unsynced")]
    long = {**QUICK, "what": "word " * 40}
    for _ in range(200):
        lines = watch.lines(status(*wrong * 5), [long] * 30)
    assert len(lines) <= LINES
    assert max(width(line) for line in lines) <= COLUMNS
    assert styled(lines, lang).plain.splitlines() == lines


def test_what_matters_is_on_it():
    text = "\n".join(Watch("en").lines(status(), [QUICK]))
    for words in (
        "WELL  door-1",
        "door      ",
        "51.2 C",
        "300 MB memory free, - MB card free",
        "changes: 3, in 0.9 ms",
    ):
        assert words in text


@pytest.mark.parametrize("lang", LANGS)
def test_a_silent_agent_is_said_to_be_silent(lang: str):
    lines = Watch(lang).lines(None, [], "nobody answers")
    assert lines[0].startswith(WORDS[lang]["wrong"])
    assert "nobody answers" in lines[0]


def test_a_plot_has_a_column_for_each_value():
    assert (plot([]), plot([5, 5]), plot([0, 7], zero=True), plot([3, 6], zero=True)) == ("", "▁▁", "▁█", "▅█")


def test_a_contacts_line_is_drawn_to_scale_and_ends_where_the_door_is():
    assert waveform([0], 6, shut=False) == "▁▔▔▔▔▔"
    assert waveform([0], 6, shut=True) == "▔▁▁▁▁▁"
    assert waveform([0, 500, 1000], 10, shut=False) == "▁▔▔▔▁▁▁▁▔▔"
    assert waveform([0, 1, 1000], 6, shut=False) == "▁┃▁▁▔▔"


def test_both_languages_have_the_same_words():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
