"""The report names each row on which a peer is ahead."""

from tests.bench.behind import behind

PEERS = {"ours": "ours", "a": "A", "b": "B"}
KEYS = {"latency_p50_ms": "p50", "after_kill": "kept", "unheard_of": "new"}


def test_only_rows_on_which_a_peer_is_ahead_are_named_with_the_best_of_them_and_why():
    rows = {
        "ours": {"latency_p50_ms": 2.0, "after_kill": 1.0},
        "a": {"latency_p50_ms": 1.5, "after_kill": 0.0},
        "b": {"latency_p50_ms": 1.0, "after_kill": 1.0},
    }
    ((words, figures, why),) = behind(rows, "ours", PEERS, KEYS)
    assert (words, figures) == ("p50", "2 beside 1 (B)")
    assert "cold caches" in why


def test_more_is_better_where_something_is_delivered():
    rows = {"ours": {"after_kill": 0.5}, "a": {"after_kill": 0.75}}
    assert [words for words, _, _ in behind(rows, "ours", PEERS, KEYS)] == ["kept"]


def test_what_was_not_measured_is_passed_over_and_a_reason_that_nobody_knows_is_not_made_up():
    assert list(behind({"ours": {}, "a": {"unheard_of": 1.0}}, "ours", PEERS, KEYS)) == []
    assert list(behind({"ours": {"unheard_of": 1.0}}, "ours", PEERS, KEYS)) == []
    found = behind({"ours": {"unheard_of": 1.0}, "b": {"unheard_of": 0.5}}, "ours", PEERS, KEYS)
    assert [why for _, _, why in found] == ["Not known."]
