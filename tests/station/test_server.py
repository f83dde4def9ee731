"""The station's web servers, as they end."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from starlette.applications import Starlette

from edge.station.ca import Authority
from edge.station.ports import free
from edge.station.server import CLOSE_S, unit_server


def keep_open(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A client that has had its answer and will never say good-bye, as one whose network was cut."""
    client = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
    client.sendall(b"GET /gone HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv(4096).startswith(b"HTTP/1.1 404")
    return client


def test_a_server_that_ends_does_not_wait_for_a_client_that_is_owed_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ca = Authority.open(tmp_path / "ca")
    who = ca.issue("door-1", tmp_path / "identity")
    certificate, key = ca.server_files(("localhost",))
    port = free("127.0.0.1", 0)
    context = ssl.create_default_context(cafile=str(ca.ca_file))
    context.load_cert_chain(who.cert_file, who.key_file)

    async def play() -> float:
        server = unit_server(Starlette(), "127.0.0.1", port, (str(ca.ca_file), str(certificate), str(key)))
        serving = asyncio.create_task(server.serve())
        await server.up.wait()
        client = await asyncio.to_thread(keep_open, port, context)
        begun = asyncio.get_running_loop().time()
        server.end()
        await serving
        client.close()
        return asyncio.get_running_loop().time() - begun

    assert asyncio.run(play()) < CLOSE_S
    assert [record.getMessage() for record in caplog.records] == []
