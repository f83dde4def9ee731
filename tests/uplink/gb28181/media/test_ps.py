import pytest

from edge.uplink.gb28181 import ps
from tests.uplink.gb28181.media import receiver

AUD = b"\x00\x00\x00\x01\x09\xf0"
PICTURE = AUD + b"\x00\x00\x00\x01\x65" + b"x" * 100


def test_a_key_frame_s_pack_is_these_bytes():
    assert ps.pack(AUD + b"\x00\x00\x00\x01\x65", 90_000, key=True).hex(" ") == (
        "00 00 01 ba 44 00 16 fc 84 01 01 38 83 f8 "  # pack header: SCR 90000, 8 Mbit/s
        "00 00 01 bb 00 09 80 9c 41 00 21 7f e0 e2 00 "  # system header
        "00 00 01 bc 00 0e e0 ff 00 00 00 04 1b e0 00 00 f4 dc bd 45 "  # stream map
        "00 00 01 e0 00 13 84 80 05 21 00 05 bf 21 "  # PES header: 19 bytes follow, PTS 90000
        "00 00 00 01 09 f0 00 00 00 01 65"
    )


def test_what_the_strict_reader_finds_is_what_was_packed():
    stream = ps.pack(PICTURE, 6000, key=True) + ps.pack(PICTURE[:-1], 12_000, key=False)
    first, second = receiver.pictures(stream)
    assert (first.pts, first.scr, first.mapped, first.annexb) == (6000, 6000, True, PICTURE)
    assert (second.pts, second.mapped, second.annexb) == (12_000, False, PICTURE[:-1])


@pytest.mark.parametrize("pts", [0, 1, 0x7FFF, 0x8000, 0x3FFFFFFF, 0x40000000, 0x155555555, (1 << 33) - 1])
def test_every_bit_of_a_time_finds_its_place(pts):
    (picture,) = receiver.pictures(ps.pack(PICTURE, pts, key=False))
    assert (picture.pts, picture.scr) == (pts, pts)


def test_a_time_turns_over_after_33_bits():
    (picture,) = receiver.pictures(ps.pack(PICTURE, (1 << 33) + 7, key=False))
    assert (picture.pts, picture.scr) == (7, 7)


@pytest.mark.parametrize("size", [ps.MAX_PES, ps.MAX_PES + 1, 2 * ps.MAX_PES, 500_000])
def test_a_picture_beyond_one_pes_packet_is_cut_and_comes_back_whole(size):
    annexb = AUD + bytes(i % 251 for i in range(size - len(AUD)))
    pack = ps.pack(annexb, 6000, key=True)
    (picture,) = receiver.pictures(pack)
    assert picture.annexb == annexb
    assert pack.count(b"\x00\x00\x01\xe0") == -(-size // ps.MAX_PES)


@pytest.mark.parametrize("own", [AUD, AUD[1:], b"\x00\x00\x00\x01\x09\x10"])
def test_an_access_unit_delimiter_of_the_encoder_s_is_left_as_it_is(own):
    (picture,) = receiver.pictures(ps.pack(own + b"\x00\x00\x01\x41x", 0, key=False))
    assert picture.annexb == own + b"\x00\x00\x01\x41x"


def test_an_access_unit_without_a_delimiter_gets_one():
    (picture,) = receiver.pictures(ps.pack(b"\x00\x00\x01\x41x", 0, key=False))
    assert picture.annexb == AUD + b"\x00\x00\x01\x41x"


def test_the_crc_is_that_of_mpeg_2():
    assert ps.crc32(b"123456789") == 0x0376E6E7  # the catalogue's check value of CRC-32/MPEG-2
