"""One opening's life as a person reads it: the verdict first, then each step, then what took longer than it should."""

import pytest

from edge.onsite import life
from edge.onsite.words import width

PICTURE = {"name": "f" * 64, "taken_ms": -1500.0, "sealed_ms": 80.0, "kept_ms": 95.5, "delivered_ms": 400.0}
QUICK = {
    "number": 1,
    "key": "e1/17",
    "kind": "event",
    "what": "opened",
    "time": "2026-11-24T10:40:00.000123Z",
    "clock": "synced",
    "now_ms": 60_000.0,
    "edges": 3,
    "edges_us": [0, 412, 900],
    "missed": False,
    "made_ms": 50.9,
    "stored_ms": 53.0,
    "sent_ms": 51.0,
    "acked_ms": 52.0,
    "denied_ms": None,
    "receipt_ms": 61.25,
    "sends": 1,
    "backlog": 0,
    "link_down_ms": None,
    "by": [],
    "pictures": [PICTURE],
    "pictures_told": None,
    "pictures_missing": "",
}


def test_what_was_quick_has_no_delays_and_says_so():
    text = life.why({"life": QUICK, "waits": False}, "en", alive=True)
    assert text.splitlines()[0] == "DELIVERED: opened e1/17: receipt after 61 ms"
    assert "       +0.000 ms  first change of the contact (3 changes: +0 +412 +900 us)" in text.splitlines()
    assert text.splitlines()[-1] == "nothing delayed it"
    steps = [line.split("ms")[0] for line in text.splitlines() if " ms  " in line]
    assert [float(step) for step in steps] == sorted(float(step) for step in steps)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"link_down_ms": -9000.0, "sent_ms": 5000.0}, "the link had been down for 9 s when it was recorded"),
        ({"link_down_ms": -9000.0, "sent_ms": 60.0}, ""),
        ({"backlog": 40, "sent_ms": 2000.0}, "40 records waited before it"),
        ({"stored_ms": 7050.9}, "the card took 7 s"),
        ({"stored_ms": None}, "the card has not taken it for 59 s"),
        ({"acked_ms": 3051.0}, ""),  # the receipt overtook it
        ({"acked_ms": 3051.0, "receipt_ms": 3060.0}, "the broker took 3 s to acknowledge"),
        ({"acked_ms": None, "receipt_ms": None}, "the broker has not acknowledged it for 59 s"),
        ({"receipt_ms": 8052.0}, "the platform took 8 s to give its receipt"),
        ({"receipt_ms": None}, "the platform has given no receipt for 59 s"),
        ({"sends": 3}, "it was sent 3 times"),
        ({"pictures": [{**PICTURE, "kept_ms": 4080.0}]}, "the card took 4 s for a picture"),
        (
            {"pictures_missing": "the camera gave no picture in time"},
            "the pictures: the camera gave no picture in time",
        ),
    ],
)
def test_each_delay_is_named_by_whose_it_is(changes: dict, wanted: str):
    assert life.delays({**QUICK, **changes}, "en") == ([wanted] if wanted else [])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_is_wider_than_a_terminal(lang: str):
    row = {"code": "link.network", "since_ms": -4.0, "en": "The network is down " * 5, "zh": "网络不通" * 20}
    late = {"stored_ms": None, "acked_ms": None, "receipt_ms": None, "by": [row], "edges_us": list(range(64))}
    waits = {"life": None, "waits": True, "before": 3, "record": {"epoch": "e" * 16, "seq": 1, "kind": "boot"}}
    for answer in ({"life": {**QUICK, **late}, "waits": True}, waits, {"life": None, "waits": False, "searched": 1}):
        for line in life.why(answer, lang, alive=False).splitlines():
            assert width(line) <= 80, line


def test_both_languages_have_the_same_words():
    assert life.WORDS["en"].keys() == life.WORDS["zh"].keys()
