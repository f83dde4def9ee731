"""INVITE offers as platforms write them."""

WVP_UDP = b"""v=0\r
o=34020000001320000001 0 0 IN IP4 127.0.0.1\r
s=Play\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=video 30000 RTP/AVP 96 97 98 99\r
a=recvonly\r
a=rtpmap:96 PS/90000\r
a=rtpmap:97 MPEG4/90000\r
a=rtpmap:98 H264/90000\r
a=rtpmap:99 H265/90000\r
y=0200000001\r
f=\r
"""
WVP_PASSIVE = WVP_UDP.replace(b"RTP/AVP", b"TCP/RTP/AVP").replace(b"y=", b"a=setup:passive\r\na=connection:new\r\ny=")
WVP_ACTIVE = WVP_PASSIVE.replace(b"setup:passive", b"setup:active")
SRS_TCP = b"""v=0
o=34020000002000000001 0 0 IN IP4 127.0.0.1
s=Play
c=IN IP4 127.0.0.1
t=0 0
m=video 30000 TCP/RTP/AVP 96
a=recvonly
a=rtpmap:96 PS/90000
y=0200009215
"""
SENIOR = b"""v=0\r
o=34020000001320000001 0 0 IN IP4 127.0.0.1\r
s=Play\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=video 30000 RTP/AVP 96 126 125 99 34 98 97\r
a=recvonly\r
a=rtpmap:96 PS/90000\r
a=fmtp:126 profile-level-id=42e01e\r
a=rtpmap:126 H264/90000\r
a=rtpmap:125 H264S/90000\r
a=rtpmap:99 H265/90000\r
a=rtpmap:98 H264/90000\r
a=rtpmap:97 MPEG4/90000\r
a=streamMode:MAIN\r
y=0200000002\r
f=v/2/5/25/1/4000a/1/8/1\r
"""
ALL = (WVP_UDP, WVP_PASSIVE, WVP_ACTIVE, SRS_TCP, SENIOR)


def at(offer: bytes, port: int) -> bytes:
    """The offer with another port."""
    return offer.replace(b"30000", str(port).encode())
