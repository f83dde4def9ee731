"""SIP as bytes: what is no message is refused, what is one in an odd form is read, what is written counts its bytes."""

import pytest

from edge.errors import WireError
from edge.uplink.gb28181.message import (
    MESSAGE_MAX_BYTES,
    Framer,
    Message,
    commas,
    compose,
    parameter,
    parse,
    response,
    uri_parts,
    user,
)

INVITE = (
    b"INVITE sip:31010600011327000002@3101060000 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 10.1.2.3:5060;rport;branch=z9hG4bK1\r\n"
    b"From: <sip:31010600002000000001@3101060000>;tag=live\r\n"
    b"To: <sip:31010600011327000002@3101060000>\r\n"
    b"Call-ID: 7\r\nCSeq: 3 INVITE\r\nContent-Length: 4\r\n\r\nv=0\n"
)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"SIP/2.0\r\n\r\n",
        b"SIP/2.0 999 Odd\r\n\r\n",
        b"INVITE sip:a@b\r\n\r\n",
        b"INVITE sip:a@b SIP/3.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"OPTIONS sip:a@b SIP/2.0\r\nno colon here\r\n\r\n",
        b"OPTIONS sip:a@b SIP/2.0\r\n: no name\r\n\r\n",
        b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 1e3\r\n\r\n",
        b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 9\r\n\r\nshort",
        b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\nshort",
        b"OPTIONS sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 201 + b"\r\n",
        INVITE + b"x" * MESSAGE_MAX_BYTES,
    ],
)
def test_what_is_no_message_is_refused_with_what_was_found(raw: bytes):
    with pytest.raises(WireError, match="want"):
        parse(raw)


def test_a_request_is_read_with_its_headers_and_the_bytes_of_its_body():
    one = parse(INVITE)
    assert (one.method, one.uri, one.body, one.cseq) == (
        "INVITE",
        "sip:31010600011327000002@3101060000",
        b"v=0\n",
        (3, "INVITE"),
    )
    assert one.branch == "z9hG4bK1"
    assert one.dialog == ("7", "live")


def test_compact_names_folded_lines_odd_cases_and_bare_line_feeds_are_read():
    one = parse(
        b"message sip:a@b sip/2.0\nv: SIP/2.0/UDP x;branch=1,\n SIP/2.0/TCP y;branch=2\nVIA : SIP/2.0/UDP z\n"
        b'f: "a, b" <sip:c@d>;TAG="t"\nl: 2\n\nhi, and more'
    )
    assert one.method == "MESSAGE"
    assert one.vias == ["SIP/2.0/UDP x;branch=1", "SIP/2.0/TCP y;branch=2", "SIP/2.0/UDP z"]
    assert parameter(one.get("from"), "tag") == "t"
    assert one.body == b"hi"


def test_what_is_read_is_written_again_byte_for_byte_also_in_another_encoding():
    raw = INVITE.replace(b"Call-ID: 7", "Call-ID: 7\r\nX-Name: 门磁".encode("gb2312"))
    assert compose(parse(raw)) == raw


def test_length_is_counted_in_bytes():
    one = Message(method="MESSAGE", uri="sip:a@b", body="门磁".encode("gb2312"))
    assert b"Content-Length: 4\r\n" in compose(one)


def test_a_control_character_in_a_header_does_not_make_another_header_of_it():
    one = parse(b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: a\rInjected: b\x00\r\n\r\n")
    assert one.get("call-id") == "a Injected: b"
    assert b"\rInjected" not in compose(response(one, 200, "OK"))


def test_an_answer_repeats_what_belongs_to_the_request_and_tags_it_once():
    one = response(parse(INVITE), 200, "OK", tag="x")
    assert one.get("to").endswith(">;tag=x")
    assert response(Message(headers=one.headers), 200, "OK", tag="y").get("to").endswith(">;tag=x")
    assert [name for name, _ in one.headers] == ["Via", "From", "To", "Call-ID", "CSeq"]


def test_a_stream_is_cut_into_messages_however_it_is_chopped():
    stream = INVITE + b"\r\n\r\n" + INVITE.replace(b"Content-Length: 4", b"l:4") + INVITE
    for size in (1, 7, 64, len(stream)):
        framer = Framer()
        found = [raw for at in range(0, len(stream), size) for raw in framer.feed(stream[at : at + size])]
        assert [parse(raw).body for raw in found] == [b"v=0\n"] * 3


@pytest.mark.parametrize(
    "raw", [b"x" * (MESSAGE_MAX_BYTES + 1), b"A b SIP/2.0\r\nl: 99999\r\n\r\n", b"A b SIP/2.0\r\nl: x\r\n\r\n"]
)
def test_a_stream_in_which_no_end_can_be_found_is_given_up(raw: bytes):
    with pytest.raises(WireError):
        list(Framer().feed(raw))


def test_a_stream_that_comes_byte_by_byte_costs_no_more_than_it_is_long():
    framer = Framer()
    assert [raw for _ in range(60_000) for raw in framer.feed(b"x")] == []


@pytest.mark.parametrize("uri", ["", "tel:1", "sip:", "sip:@", "sip:a@b:99999", "<sip:a@b>", "http://a"])
def test_what_is_no_sip_address_is_refused(uri: str):
    with pytest.raises(WireError):
        uri_parts(uri)
    assert user(uri) in ("", "a")


def test_addresses_and_lists_are_taken_apart():
    assert uri_parts("sip:a@[fe80::1]:5061;transport=tcp") == ("a", "fe80::1", 5061)
    assert user('"x" <sip:31010600011327000002@1.2.3.4:5060;lr>;tag=1') == "31010600011327000002"
    assert commas('"a, \\"b" <sip:x,y@z>, c,, d') == ['"a, \\"b" <sip:x,y@z>', "c", "d"]
