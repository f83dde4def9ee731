import pytest

from edge.clock import MS, SECOND
from edge.parts import AccessUnit
from edge.uplink.gb28181 import rtp
from edge.uplink.gb28181.rtp import Packer
from tests.uplink.gb28181.media import receiver
from tests.uplink.gb28181.media.conftest import FRAME_NS

AUD = b"\x00\x00\x00\x01\x09\xf0"
SSRC = 200_000_001


def unit(size=100, at_ns=0, *, key=False):
    return AccessUnit(AUD + bytes(size - len(AUD)), key, at_ns)


def test_ffmpeg_decodes_as_many_pictures_as_were_packed_each_with_its_time(units, tmp_path):
    packer = Packer(SSRC, 96)
    packets = [packet for one in units for packet in packer.packets(one)]
    decoded = receiver.decoded(receiver.stream(packets), tmp_path)
    assert len(decoded) == len(units) == 45
    assert [pts for pts, _ in decoded] == [(one.at_ns - units[0].at_ns) * 9 // 100_000 for one in units]


def test_the_masked_third_is_black_in_every_decoded_picture_and_the_rest_is_not(units, tmp_path):
    packer = Packer(SSRC, 96)
    packets = [packet for one in units for packet in packer.packets(one)]
    for _, pixels in receiver.decoded(receiver.stream(packets), tmp_path):
        rows = [pixels[y * 64 : y * 64 + 64] for y in range(36)]
        assert max(max(row[:18]) for row in rows) <= 24  # 16 is black
        assert max(max(row[24:]) for row in rows) > 150


def test_every_packet_has_the_ssrc_the_payload_type_and_at_most_1400_bytes():
    packets = list(Packer(SSRC, 96).packets(unit(50_000, key=True)))
    read = [receiver.rtp(packet) for packet in packets]
    assert {(one.ssrc, one.payload) for one in read} == {(SSRC, 96)}
    assert max(map(len, packets)) == 1400
    assert [one.marker for one in read] == [False] * (len(read) - 1) + [True]


def test_sequence_numbers_go_on_after_65535():
    packer = Packer(SSRC, 96, sequence=65_530)
    packets = [p for i in range(4) for p in packer.packets(unit(10_000, i * FRAME_NS))]
    assert receiver.rtp(packets[0]).sequence == 65_530
    assert len(receiver.whole(packets)) == 4


def test_the_rtp_time_is_the_pts_in_32_bits():
    packer = Packer(SSRC, 96)
    list(packer.packets(unit()))
    late_ns = 14 * 3600 * SECOND  # past 2**32 / 90 kHz, which is 13.25 h
    (packet,) = packer.packets(unit(at_ns=late_ns))
    one = receiver.rtp(packet)
    (picture,) = receiver.pictures(one.data)
    assert picture.pts == 14 * 3600 * 90_000
    assert one.timestamp == picture.pts - (1 << 32)


def test_times_of_12_hours_drift_by_nothing():
    packer = Packer(SSRC, 96)
    start_ns = 123_456_789
    for second in range(0, 12 * 3600 + 1, 60):  # bench_live.py plays every picture
        at_ns = start_ns + second * SECOND
        list(packer.packets(unit(at_ns=at_ns)))
        assert packer.pts == second * 90_000


@pytest.mark.parametrize("back_ns", [0, 1, SECOND])
def test_a_source_that_steps_back_never_takes_the_time_back(back_ns):
    packer = Packer(SSRC, 96)
    list(packer.packets(unit(at_ns=SECOND)))
    list(packer.packets(unit(at_ns=2 * SECOND)))
    list(packer.packets(unit(at_ns=2 * SECOND - back_ns)))
    assert packer.pts == 90_001


def test_a_key_frame_is_spread_over_most_of_a_frame_s_time():
    packer = Packer(SSRC, 96)
    packer.slices(unit())
    slices = packer.slices(unit(60_000, FRAME_NS, key=True))
    assert [len(one.packets) for one in slices] == [8, 8, 8, 8, 8, 4]
    starts = [one.after_ns for one in slices]
    assert starts[0] == 0
    gaps = {b - a for a, b in zip(starts, starts[1:], strict=False)}
    assert len(gaps) == 1
    assert 0.6 * FRAME_NS < starts[-1] < 0.8 * FRAME_NS


def test_a_small_picture_leaves_at_once():
    packer = Packer(SSRC, 96)
    packer.slices(unit())
    (only,) = packer.slices(unit(8_000, FRAME_NS))
    assert only.after_ns == 0


def test_who_is_behind_is_not_paced():
    packer = Packer(SSRC, 96)
    packer.slices(unit())
    (only,) = packer.slices(unit(60_000, FRAME_NS), paced=False)
    assert len(only.packets) == 44


@pytest.mark.parametrize(("took_ns", "longest_ns"), [(10 * SECOND, 100 * MS), (0, 10 * MS), (-SECOND, 10 * MS)])
def test_a_pause_or_a_step_of_the_source_bounds_the_spreading(took_ns, longest_ns):
    packer = Packer(SSRC, 96)
    packer.slices(unit(at_ns=SECOND))
    slices = packer.slices(unit(60_000, SECOND + took_ns))
    assert 0 < slices[-1].after_ns < longest_ns


def test_over_tcp_each_packet_stands_behind_its_length():
    packets = list(Packer(SSRC, 96).packets(unit(5_000)))
    assert receiver.unframed(rtp.framed(packets)) == packets
    assert rtp.framed([b"abc"]) == b"\x00\x03abc"
