"""What sockets and TLS say, one sentence each: whose fault it is, and what helps."""

import errno
import socket
import ssl

import pytest

from edge.clock import FLOOR_NS, Quality, Stamp
from edge.errors import (
    DistrustError,
    DoorunitError,
    LinkError,
    RefusedError,
    ServerError,
    UnknownHostError,
    UntimedError,
)
from edge.uplink.refusal import answered, explain, silence

WHERE = "platform.example:8883"
NOW = Stamp("boot-1", 1, FLOOR_NS + 1, Quality.SYNCED, 1)
NEVER_SET = Stamp("boot-1", 1, 60 * 1_000_000_000, Quality.UNSYNCED)
YEAR_2021 = Stamp("boot-1", 1, 1_620_000_000 * 1_000_000_000, Quality.UNSYNCED)


def unverified(code: int, text: str = "a reason of OpenSSL's") -> ssl.SSLCertVerificationError:
    err = ssl.SSLCertVerificationError(1, f"certificate verify failed: {text}")
    err.verify_code, err.verify_message = code, text
    return err


def tls(text: str) -> ssl.SSLError:
    return ssl.SSLError(1, f"[SSL: {text.upper().replace(' ', '_')}] {text} (_ssl.c:2580)")


CASES: list[tuple[BaseException | str, type[LinkError], str]] = [
    (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), ServerError, "nothing listens on that port"),
    (
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        UnknownHostError,
        "platform.example is not known",
    ),
    (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), LinkError, "platform.example cannot be resolved"),
    (TimeoutError("timed out"), LinkError, "no answer within the time-out"),
    (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), LinkError, "no answer within the time-out"),
    (TimeoutError("_ssl.c:989: The handshake operation timed out"), ServerError, "accepts the connection and does not"),
    (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), LinkError, "connection reset by peer"),
    ("[Errno 104] Connection reset by peer", LinkError, "connection reset by peer"),
    (OSError(errno.ENETUNREACH, "Network is unreachable"), LinkError, "network is unreachable"),
    (OSError(errno.EHOSTUNREACH, "No route to host"), LinkError, "no route to host"),
    ("", LinkError, "the connection ended"),
    ("Session taken over", LinkError, "session taken over"),
    ("Keep alive timeout", LinkError, "nothing came for two keep-alives"),
    (ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:2427)"), LinkError, "without a word"),
    ("EOF occurred in violation of protocol (_ssl.c:2427)", LinkError, "without a word"),
    (tls("wrong version number"), RefusedError, "wrong version number"),
    (tls("tlsv1 alert unknown ca"), RefusedError, "does not trust this unit's certificate"),
    (tls("sslv3 alert bad certificate"), RefusedError, "does not trust this unit's certificate"),
    (tls("sslv3 alert certificate expired"), RefusedError, "refused this unit's certificate as expired"),
    (tls("tlsv13 alert certificate required"), RefusedError, "wants a certificate and got none"),
    (tls("tlsv1 alert internal error"), RefusedError, "it ended TLS"),
    (unverified(10), DistrustError, "it has expired"),
    (unverified(9), DistrustError, "it is not valid yet by this unit's clock"),
    (unverified(62), DistrustError, "it is for another name"),
    (unverified(64), DistrustError, "it is for another name"),
    *((unverified(code), DistrustError, "it is not from this unit's CA") for code in (18, 19, 20, 21)),
    (unverified(26, "unsuitable certificate purpose"), DistrustError, "unsuitable certificate purpose"),
]


@pytest.mark.parametrize(("err", "kind", "found"), CASES, ids=[str(err)[:60] or "silence" for err, _, _ in CASES])
def test_each_trouble_has_its_class_and_its_sentence(
    err: BaseException | str, kind: type[LinkError], found: str
) -> None:
    told = explain(err, WHERE, NOW)
    assert type(told) is kind
    assert found in told.found
    assert WHERE in told.what


def test_sentences_have_all_four_pieces_and_none_speaks_of_error_numbers_or_failure() -> None:
    for told in (explain(err, WHERE, now) for err, _, _ in CASES for now in (NOW, NEVER_SET)):
        assert all((told.what, told.found, told.wanted, told.remedy))
        assert "Errno" not in str(told)
        assert "failed to" not in str(told)


def test_no_two_troubles_that_need_different_hands_share_their_remedy() -> None:
    """The installer's, the platform keeper's and the network's each say what helps."""
    remedies = {found: explain(err, WHERE, NOW).remedy for err, _, found in CASES}
    hands = ("nothing listens on that port", "no answer within the time-out", "it has expired", "wrong version number")
    assert len({remedies[found] for found in hands}) == len(hands)


@pytest.mark.parametrize(("now", "year"), [(NEVER_SET, "1970"), (YEAR_2021, "2021")])
@pytest.mark.parametrize("code", [9, 10])
def test_a_clock_that_was_never_set_is_not_blamed_on_the_platform(now: Stamp, year: str, code: int) -> None:
    told = explain(unverified(code), WHERE, now)
    assert type(told) is UntimedError
    assert told.found == f"it cannot be checked, this unit's clock shows {year}"
    assert "The unit waits for the time" in told.remedy


def test_a_clock_that_was_never_set_excuses_nobody_elses_certificate() -> None:
    assert type(explain(unverified(19), WHERE, NEVER_SET)) is DistrustError


@pytest.mark.parametrize(
    ("reason", "kind", "remedy"),
    [
        ("Not authorized", RefusedError, "user list and ACL"),
        ("Session taken over", RefusedError, "see that its identity was not copied"),
        ("Server shutting down", ServerError, "tries again by itself"),
        ("Server busy", ServerError, "tries again by itself"),
        ("Keep alive timeout", LinkError, "tries again by itself"),
    ],
)
def test_a_brokers_own_word_is_quoted_and_says_whose_turn_it_is(
    reason: str, kind: type[LinkError], remedy: str
) -> None:
    told = answered(reason, WHERE)
    assert type(told) is kind
    assert remedy in told.remedy
    assert told.found in (f"it said: {reason}", "it heard nothing of this unit")


def test_silence_after_a_connection_is_the_servers() -> None:
    told: DoorunitError = silence(WHERE)
    assert isinstance(told, ServerError)
    assert isinstance(told, ConnectionError), "what a reader who knows only Python expects"
    assert "the network itself works" in str(told)
