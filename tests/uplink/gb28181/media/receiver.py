"""What a platform's media server does, strictly: RTP to program stream to pictures, and ffmpeg's decoder."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from edge.uplink.gb28181.ps import crc32


class Rtp(NamedTuple):
    marker: bool
    payload: int
    sequence: int
    timestamp: int
    ssrc: int
    data: bytes


class Picture(NamedTuple):
    pts: int
    scr: int
    mapped: bool  # a system header and a stream map came with it
    annexb: bytes


def rtp(packet: bytes) -> Rtp:
    """One packet, which must have the plainest of headers."""
    assert packet[0] == 0x80
    number = int.from_bytes
    return Rtp(
        packet[1] >= 0x80,
        packet[1] & 0x7F,
        number(packet[2:4], "big"),
        number(packet[4:8], "big"),
        number(packet[8:12], "big"),
        packet[12:],
    )


def unframed(stream: bytes) -> list[bytes]:
    """RFC 4571; what is not whole at the end is left."""
    packets = []
    while len(stream) >= 2 and len(stream) >= (end := 2 + int.from_bytes(stream[:2], "big")):
        packets.append(stream[2:end])
        stream = stream[end:]
    return packets


def whole(packets: list[bytes]) -> list[list[Rtp]]:
    """Packets by picture: one timestamp each, the marker on the last and nowhere else, no number left out."""
    read = [rtp(packet) for packet in packets]
    pictures: list[list[Rtp]] = [[]]
    for i, one in enumerate(read):
        assert one.sequence == (read[0].sequence + i) & 0xFFFF
        pictures[-1].append(one)
        if one.marker:
            pictures.append([])
    for parts in pictures:
        assert len({one.timestamp for one in parts}) <= 1
    return [parts for parts in pictures[:-1]]


def stream(packets: list[bytes]) -> bytes:
    """The program stream of the pictures that came whole."""
    return b"".join(one.data for parts in whole(packets) for one in parts)


def pictures(ps: bytes) -> list[Picture]:
    """Every pack, byte for byte: an assertion fails at the first bit that ISO/IEC 13818-1 does not allow."""
    found = []
    while ps:
        scr, ps = _pack_header(ps)
        mapped = ps[:4] == b"\x00\x00\x01\xbb"
        if mapped:
            ps = _stream_map(_system_header(ps))
        pts, annexb = None, b""
        while ps[:4] == b"\x00\x00\x01\xe0":
            end = 6 + int.from_bytes(ps[4:6], "big")
            stamp, data = _pes(ps[6:end])
            assert (stamp is None) == (pts is not None), "the first PES packet alone has a PTS"
            pts, annexb, ps = pts if stamp is None else stamp, annexb + data, ps[end:]
        assert pts is not None
        found.append(Picture(pts, scr, mapped, annexb))
    return found


def decoded(ps: bytes, folder: Path) -> list[tuple[int, bytes]]:
    """PTS (90 kHz) and 64x36 grey pixels of each picture that Debian's ffmpeg decodes; it must not complain."""
    dump = folder / "dump.ps"
    dump.write_bytes(ps)
    quiet = ["-hide_banner", "-loglevel", "error"]
    command = ["ffprobe", *quiet, "-f", "mpeg", "-select_streams", "v", "-show_entries", "frame=pts", "-of", "csv=p=0"]
    said = _run([*command, str(dump)])
    pts = [int(line.strip(",")) for line in said.decode().split()]
    # In 90 kHz: in the time base of a guessed rate, two pictures that came close together would be at one time.
    command = ["ffmpeg", *quiet, "-f", "mpeg", "-i", str(dump), "-vsync", "passthrough", "-enc_time_base", "1:90000"]
    pixels = _run([*command, "-vf", "scale=64:36", "-pix_fmt", "gray", "-f", "rawvideo", "-"])
    size = 64 * 36
    return list(zip(pts, (pixels[i : i + size] for i in range(0, len(pixels), size)), strict=True))


def _run(command: list[str]) -> bytes:
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout


def _pack_header(ps: bytes) -> tuple[int, bytes]:
    bits = int.from_bytes(ps[4:14], "big")
    assert ps[:4] == b"\x00\x00\x01\xba"
    assert bits >> 78 == 0b01
    assert (bits >> 74 & 1, bits >> 58 & 1, bits >> 42 & 1, bits >> 32 & 1, bits >> 8 & 0b11) == (1, 1, 1, 1, 0b11)
    assert bits >> 10 & 0x3FFFFF, "a rate of 0 is forbidden"
    assert bits & 7 == 0, "stuffing"
    scr = (bits >> 75 & 7) << 30 | (bits >> 59 & 0x7FFF) << 15 | bits >> 43 & 0x7FFF
    return scr, ps[14:]


def _system_header(ps: bytes) -> bytes:
    length = int.from_bytes(ps[4:6], "big")
    body = ps[6 : 6 + length]
    assert (body[0] >> 7, body[2] & 1) == (1, 1)
    assert body[4] & 0x1F == 1, "one video stream"
    assert body[6] == 0xE0
    assert body[7] >> 6 == 0b11
    assert length == 9
    return ps[6 + length :]


def _stream_map(ps: bytes) -> bytes:
    assert ps[:4] == b"\x00\x00\x01\xbc"
    end = 6 + int.from_bytes(ps[4:6], "big")
    assert crc32(ps[:end]) == 0, "a message with its own CRC behind it leaves nothing"
    assert ps[6] >> 7 == 1, "current"
    assert ps[7] & 1 == 1
    assert ps[10:16] == bytes((0, 4, 0x1B, 0xE0, 0, 0))
    return ps[end:]


def _pes(body: bytes) -> tuple[int | None, bytes]:
    assert body[0] >> 6 == 0b10
    data = body[3 + body[2] :]
    if body[1] == 0:
        assert body[2] == 0
        return None, data
    assert (body[1], body[2]) == (0x80, 5)
    bits = int.from_bytes(body[3:8], "big")
    assert (bits >> 36, bits >> 32 & 1, bits >> 16 & 1, bits & 1) == (0b0010, 1, 1, 1)
    return (bits >> 33 & 7) << 30 | (bits >> 17 & 0x7FFF) << 15 | bits >> 1 & 0x7FFF, data
