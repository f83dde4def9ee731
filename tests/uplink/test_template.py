"""Texts with placeholders: typed where they stand alone, left out where nothing is known."""

import json

import pytest

from edge.uplink.template import Payload, Text

NOON_NS = 1_648_814_400_123_456_789  # 2022-04-01T12:00:00.123456789Z


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{t|ms}", 1_648_814_400_123),
        ("{t|s}", 1_648_814_400),
        ("{t|iso}", "2022-04-01T12:00:00.123456Z"),
        ("{t|yyyyMMddHH}", "2022040112"),
        ("{t|yyyyMMddTHHmmssZ}", "20220401T120000Z"),
        ("{t|s|text}", "1648814400"),
        ("at {t|s}", "at 1648814400"),
        ("{open|bool}", True),
        ("{open}", 1),
        ("{name|url}", "products%2Fa%20b"),
        ("{name|upper}", "PRODUCTS/A B"),
        ("{unknown}", None),
        ("-{unknown|ms}-", "--"),
        ("{{ value_json.open | default(none) }}", "{{ value_json.open | default(none) }}"),
        ("no braces", "no braces"),
    ],
)
def test_a_text_is_typed_where_it_is_one_placeholder(text: str, wanted: object):
    found = Text(text).typed({"t": NOON_NS, "open": 1, "name": "products/a b", "unknown": None})
    assert found == wanted
    assert type(found) is type(wanted)


def test_json_leaves_out_what_is_not_known_and_keeps_what_was_written():
    payload = Payload('{"a": "{x}", "b": [{"c": "{none}", "d": null}], "e": 3, "f": "{x}/{none}"}')
    assert json.loads(payload.fill({"x": 5, "none": None})) == {"a": 5, "b": [{"d": None}], "e": 3, "f": "5/"}
    assert payload.names == {"x", "none"}


def test_what_a_record_says_cannot_break_the_json_it_stands_in():
    evil = '"}, {"x": "\\ 门 {seq}'
    assert json.loads(Payload('{"a": "{v}", "b": "<{v}>"}').fill({"v": evil})) == {"a": evil, "b": f"<{evil}>"}


def test_a_payload_that_is_no_json_is_text():
    assert Payload("offline").fill({}) == b"offline"
    assert Payload("{unit} is gone").fill({"unit": "door-1"}) == b"door-1 is gone"


@pytest.mark.parametrize("text", ['{"a": }', "[1, 2", '{"a": "{t|fortnights}"}'])
def test_a_payload_that_makes_no_sense_is_an_error(text: str):
    with pytest.raises(ValueError, match=r"."):
        Payload(text)
