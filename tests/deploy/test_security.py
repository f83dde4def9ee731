"""SECURITY.md names tests: each is there, and says what it is said to say."""

import re

import pytest

from tests.house.plan import ROOT

TEXT = (ROOT / "deploy/SECURITY.md").read_text(encoding="utf-8")
FILE = re.compile(r"`((?:[a-z]+/)?[a-z_]+\.py)`(?: \(\"([^\"]+)\"\))?")
SHOWN = [(path, words or "") for path, words in FILE.findall(TEXT)]
AREAS = [f"5.{number}" for number in range(1, 14)]


def has(path: str, words: str) -> bool:
    """Whether that file of the tests has a sentence that begins so."""
    said = (ROOT / "tests" / path).read_text(encoding="utf-8")
    asked = words.removesuffix("...").strip()
    return asked in said or asked.replace(" ", "_").replace(",", "") in said


@pytest.mark.parametrize(("path", "words"), sorted(set(SHOWN)))
def test_what_it_names_is_there(path: str, words: str):
    assert has(path, words)


def test_a_sentence_that_no_test_says_is_found():
    assert not has("deploy/test_broker.py", "the moon is made of cheese")
    assert len(SHOWN) > 40


def test_every_threat_and_every_area_has_its_line():
    for who in ("stolen a unit", "stolen card", "network", "broker", "staff", "neighbour"):
        assert re.search(rf"(?m)^\| \*\*[^|]*{who}", TEXT)
    assert re.findall(r"(?m)^\| (5\.\d+) ", TEXT) == AREAS


def test_what_nothing_shows_is_called_open():
    for line in TEXT.splitlines():
        if line.startswith("| ") and line.count("|") == 5 and "---" not in line and not line.startswith("| who"):
            shown = line.split("|")[4].strip()
            assert shown or "*Open:*" in line or "*open*" in line, line
