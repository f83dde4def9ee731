import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.uplink.gb28181 import sdp
from edge.uplink.gb28181.sdp import Way
from edge.uplink.gb28181.streams import UnfitOffer
from tests.uplink.gb28181.media import offers

DEVICE = "31011500011327000001"


@pytest.mark.parametrize(
    ("offer", "way", "ssrc"),
    [
        (offers.WVP_UDP, Way.UDP, 200_000_001),
        (offers.WVP_PASSIVE, Way.CONNECT, 200_000_001),
        (offers.WVP_ACTIVE, Way.LISTEN, 200_000_001),
        (offers.SRS_TCP, Way.CONNECT, 200_009_215),
        (offers.SENIOR, Way.UDP, 200_000_002),
    ],
)
def test_an_offer_as_platforms_write_them_is_read(offer, way, ssrc):
    found = sdp.read(offer)
    assert (found.way, found.ssrc, found.host, found.payload) == (way, ssrc, "127.0.0.1", 96)
    assert found.port == (0 if way is Way.LISTEN else 30000)


def test_an_answer_over_udp_names_the_device_its_port_and_the_same_y():
    answer = sdp.answer(sdp.read(offers.WVP_UDP), DEVICE, "10.0.0.7", 40000)
    assert answer.decode().split("\r\n") == [
        "v=0",
        f"o={DEVICE} 0 0 IN IP4 10.0.0.7",
        "s=Play",
        "c=IN IP4 10.0.0.7",
        "t=0 0",
        "m=video 40000 RTP/AVP 96",
        "a=sendonly",
        "a=rtpmap:96 PS/90000",
        "y=0200000001",
        "f=",
        "",
    ]


@pytest.mark.parametrize(
    ("offer", "port", "line", "setup"),
    [
        (offers.WVP_PASSIVE, 0, "m=video 9 TCP/RTP/AVP 96", "a=setup:active"),
        (offers.SRS_TCP, 0, "m=video 9 TCP/RTP/AVP 96", "a=setup:active"),
        (offers.WVP_ACTIVE, 41000, "m=video 41000 TCP/RTP/AVP 96", "a=setup:passive"),
    ],
)
def test_an_answer_over_tcp_takes_the_other_role(offer, port, line, setup):
    lines = sdp.answer(sdp.read(offer), DEVICE, "10.0.0.7", port).decode().split("\r\n")
    assert line in lines
    assert setup in lines
    assert "a=connection:new" in lines


def test_a_payload_type_that_an_rtpmap_calls_ps_is_used():
    offer = offers.SRS_TCP.replace(b"AVP 96", b"AVP 98 102").replace(b"rtpmap:96 PS", b"rtpmap:102 ps")
    assert sdp.read(offer).payload == 102


def test_an_audio_stream_beside_the_video_is_declined():
    offer = offers.WVP_UDP.replace(b"y=", b"m=audio 30002 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\ny=")
    found = sdp.read(offer)
    assert found.port == 30000
    assert b"m=audio 0 RTP/AVP 8\r\n" in sdp.answer(found, DEVICE, "10.0.0.7", 40000)


def test_an_address_of_the_stream_goes_before_the_session_s():
    offer = offers.WVP_UDP.replace(b"a=recvonly", b"c=IN IP4 192.0.2.9\r\na=recvonly")
    assert sdp.read(offer).host == "192.0.2.9"


def test_an_active_platform_need_not_name_a_port():
    assert sdp.read(offers.at(offers.WVP_ACTIVE, 0)).way is Way.LISTEN


def test_an_offer_over_ipv6_is_answered_in_kind():
    found = sdp.read(offers.WVP_UDP.replace(b"IN IP4 127.0.0.1", b"IN IP6 2001:db8::1"))
    assert found.host == "2001:db8::1"
    assert b"c=IN IP6 2001:db8::2\r\n" in sdp.answer(found, DEVICE, "2001:db8::2", 40000)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"s=Play", b"s=Playback", "s=: found Playback; want Play"),
        (b"s=Play", b"s=Download", "found Download"),
        (b"s=Play", b"s=Talk", "found Talk"),
        (b"s=Play\r\n", b"", "s=: found none"),
        (b"m=video 30000", b"m=video 0", "found port 0"),
        (b"m=video 30000", b"m=video 65536", "found port '65536'"),
        (b"m=video 30000", b"m=video -1", "m=: found"),
        (b"m=video 30000", b"m=video", "m=: found"),
        (b"m=video 30000 RTP/AVP", b"m=video 30000 RTP/SAVP", "found video RTP/SAVP"),
        (b"m=video", b"m=audio", "found audio RTP/AVP"),
        (b"96 97 98 99", b"97 98 99", "want PS among the payloads"),
        (b"96 97 98 99", b"96 97 128", "m=: found"),
        (b"96 PS/90000", b"96 H264/90000", "found 96 H264"),
        (b"c=IN IP4 127.0.0.1\r\n", b"", "c=: found none"),
        (b"c=IN IP4 127.0.0.1", b"c=IN IP4 media.example", "want IN IP4 and an address"),
        (b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0", "want the address of one receiver"),
        (b"c=IN IP4 127.0.0.1", b"c=IN IP4 239.1.2.3", "want the address of one receiver"),
        (b"c=IN IP4 127.0.0.1", b"c=IN IP4 255.255.255.255", "want the address of one receiver"),
        (b"a=recvonly", b"a=sendonly", "want a side that receives"),
        (b"y=0200000001\r\n", b"", "y=: found none"),
        (b"y=0200000001", b"y=9999999999", "want the SSRC"),
        (b"y=0200000001", b"y=02000000012", "want the SSRC"),
        (b"y=0200000001", "y=０２".encode(), "want the SSRC"),
    ],
)
def test_an_offer_that_cannot_be_served_is_refused_with_its_reason(old, new, says):
    offer = offers.WVP_UDP.replace(old, new)
    assert offer != offers.WVP_UDP
    with pytest.raises(UnfitOffer, match=r"offer, .*annex G\.") as caught:
        sdp.read(offer)
    assert says in str(caught.value)


def test_a_role_that_rfc_4145_does_not_let_us_take_is_refused():
    with pytest.raises(UnfitOffer, match="found holdconn; want passive or active"):
        sdp.read(offers.WVP_ACTIVE.replace(b"setup:active", b"setup:holdconn"))


@pytest.mark.parametrize("offer", [b"", b"\r\n" * 9000, b"a=x\r\n" * 200, offers.WVP_UDP + b"m=video 1 x 1\r\n" * 9])
def test_an_offer_beyond_all_bounds_is_refused(offer):
    with pytest.raises(UnfitOffer):
        sdp.read(offer)


@given(st.binary(max_size=400))
def test_bytes_that_are_no_offer_are_refused_and_nothing_else(offer):
    with pytest.raises(UnfitOffer):
        sdp.read(offer)


@given(st.sampled_from(offers.ALL), st.integers(0, 400), st.integers(0, 12), st.binary(max_size=12))
def test_a_spoilt_offer_is_refused_or_answered_and_the_answer_is_whole(offer, start, cut, filling):
    spoilt = offer[:start] + filling + offer[start + cut :]
    try:
        said = sdp.answer(sdp.read(spoilt), DEVICE, "10.0.0.7", 40000).decode()
    except UnfitOffer as err:
        said = f"x={err}\r\n"
    assert said.isascii()
    assert all(line[1:2] == "=" for line in said.split("\r\n")[:-1])
