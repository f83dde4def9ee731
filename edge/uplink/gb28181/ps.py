"""H.264 in an MPEG-2 program stream, as GB/T 28181 carries it: one pack for each picture. Pure.

ISO/IEC 13818-1 (Rec. ITU-T H.222.0), by clause: pack header 2.5.3.3, system header 2.5.3.5, program stream map 2.5.4.1
with the CRC of annex A, PES packet 2.4.3.6. Times are in the 90 kHz system clock, 33 bits: they turn over each 26.5 h.
"""

from collections.abc import Iterator

CLOCK_HZ = 90_000
VIDEO = 0xE0  # stream_id, table 2-22: video stream number 0
H264 = 0x1B  # stream_type, table 2-34
MAX_PES = 65_000  # bytes of picture in one PES packet; its length field has 16 bits and counts some header too

_WRAP = 1 << 33
# The rate that headers promise, in units of 50 bytes/s: 8 Mbit/s, far above any live view here. Zero is forbidden.
_MUX_RATE = 20_000
_BUFFER_KB = 512  # P-STD buffer that a decoder must have: an order above one key frame
_DELIMITER = b"\x00\x00\x00\x01\x09\xf0"  # access unit delimiter, any slice type: 2.14.1 wants one in each access unit


def pack(annexb: bytes, pts: int, *, key: bool) -> bytes:
    """One picture as one pack; with a system header and a stream map before it where it is a key frame.

    `annexb`: the access unit with start codes; `pts`: when it is shown, 90 kHz, any size (33 bits are kept).
    """
    head = _pack_header(pts) + (_SYSTEM_HEADER + _STREAM_MAP if key else b"")
    picture = annexb if _is_delimited(annexb) else _DELIMITER + annexb
    return head + b"".join(_pes(picture, pts))


def _pack_header(scr: int) -> bytes:
    """2.5.3.3. SCR equals the PTS: a picture is shown when it has come, for a live view has nothing to wait for."""
    base = scr % _WRAP
    clock = (
        (0b01 << 46)
        | (base >> 30 << 43)
        | (1 << 42)
        | ((base >> 15 & 0x7FFF) << 27)
        | (1 << 26)
        | ((base & 0x7FFF) << 11)
        | (1 << 10)
        | (0 << 1)  # extension: 27 MHz are not counted here
        | 1
    )
    rate = (_MUX_RATE << 2 | 0b11).to_bytes(3, "big")
    return b"\x00\x00\x01\xba" + clock.to_bytes(6, "big") + rate + b"\xf8"  # reserved bits, no stuffing


def _system_header() -> bytes:
    """2.5.3.5: no audio, one video, neither rate nor clocks locked."""
    rate = (1 << 23 | _MUX_RATE << 1 | 1).to_bytes(3, "big")
    bounds = bytes((0 << 2 | 0b00, 0b001 << 5 | 1, 0x7F))
    stream = bytes((VIDEO,)) + (0b11 << 14 | 1 << 13 | _BUFFER_KB).to_bytes(2, "big")  # scale 1: in KiB
    body = rate + bounds + stream
    return b"\x00\x00\x01\xbb" + len(body).to_bytes(2, "big") + body


def _stream_map() -> bytes:
    """2.5.4.1: current, version 0, no descriptors, one elementary stream."""
    streams = bytes((H264, VIDEO, 0, 0))
    body = bytes((0xE0, 0xFF, 0, 0)) + len(streams).to_bytes(2, "big") + streams
    table = b"\x00\x00\x01\xbc" + (len(body) + 4).to_bytes(2, "big") + body
    return table + crc32(table).to_bytes(4, "big")


def crc32(data: bytes) -> int:
    """CRC_32 of annex A: polynomial 0x04C11DB7, highest bit first, all ones at the start, not inverted."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def _pes(picture: bytes, pts: int) -> Iterator[bytes]:
    """2.4.3.6: the picture in as many PES packets as it needs; the first says when and that a picture begins there."""
    for start in range(0, len(picture), MAX_PES):
        part = picture[start : start + MAX_PES]
        stamp = b"" if start else _stamp(pts)
        flags = bytes((0x80 if start else 0x84, 0x00 if start else 0x80, len(stamp)))
        size = len(flags) + len(stamp) + len(part)
        yield b"\x00\x00\x01" + bytes((VIDEO,)) + size.to_bytes(2, "big") + flags + stamp + part


def _stamp(pts: int) -> bytes:
    """PTS in 5 bytes: 3, 15 and 15 bits, each with a marker bit behind it."""
    pts %= _WRAP
    bits = (0b0010 << 36) | (pts >> 30 << 33) | (1 << 32) | ((pts >> 15 & 0x7FFF) << 17) | (1 << 16)
    return (bits | (pts & 0x7FFF) << 1 | 1).to_bytes(5, "big")


def _is_delimited(annexb: bytes) -> bool:
    """Whether it begins with an access unit delimiter (NAL unit type 9)."""
    return annexb[:5].lstrip(b"\x00")[:2] == b"\x01\x09"


_SYSTEM_HEADER, _STREAM_MAP = _system_header(), _stream_map()
