"""Player: Node-RED with a flow of two nodes, and what stands for its pin.

Node-RED runs as it comes, headless, on its own settings but for its folder and port. Its pin is a TCP input node, for
its GPIO node needs a Pi: a movement is a line written to that socket (some 50 us on loopback). It publishes at QoS 1.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from beat import play


def main(name: str, port: str, folder: str, red: str) -> None:
    """Publish on door/v1/<name>/event; red: Node-RED's start script."""
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        pin, page = one.getsockname()[1], two.getsockname()[1]
    broker = {"id": "b", "type": "mqtt-broker", "broker": "127.0.0.1", "port": port, "clientid": name}
    broker |= {"protocolVersion": "5", "keepalive": "20", "cleansession": True, "autoConnect": True}
    source = {"id": "i", "z": "t", "type": "tcp in", "server": "server", "host": "127.0.0.1", "port": str(pin)}
    source |= {"datamode": "stream", "datatype": "utf8", "newline": "\\n", "trim": True, "wires": [["o"]]}
    sink = {"id": "o", "z": "t", "type": "mqtt out", "topic": f"door/v1/{name}/event", "qos": "1", "broker": "b"}
    flow = [{"id": "t", "type": "tab", "label": "door"}, broker, source, {**sink, "retain": "false", "wires": []}]
    (home / "flows.json").write_text(json.dumps(flow), encoding="ascii")
    words = ["node", red, "--userDir", folder, "--port", str(page), "flows.json"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=sys.stderr, env={**os.environ, "HOME": folder})
    try:
        with connected(pin, process) as sock:
            time.sleep(0.5)  # its MQTT node connects besides
            number = iter(range(1 << 30))
            play(lambda is_open: sock.sendall(b"%d %s\n" % (next(number), b"open" if is_open else b"shut")))
    finally:
        process.terminate()
        process.wait(10)


def connected(port: int, process: subprocess.Popen) -> socket.socket:
    """Its pin. Raises RuntimeError where Node-RED does not listen within 30 s, or has ended."""
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            sock = socket.create_connection(("127.0.0.1", port), timeout=1)
        except OSError:
            time.sleep(0.02)
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise RuntimeError(f"Node-RED does not listen on {port}; it ended with {process.poll()}")


main(*sys.argv[1:])
