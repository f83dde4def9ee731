"""Player: nothing but paho. A "movement" is the call of publish itself: the least that any program with paho takes.

The message is as long as an event of doorunit's, for each 100 bytes cost some microseconds on the way.
"""

import sys
import threading

from beat import EVENT_BYTES, play
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


def main(name: str, port: str, *tls: str) -> None:
    """Publish on door/v1/<name>/event at QoS 1; tls: CA, certificate and key as file paths."""
    up = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, name)
    if tls:
        client.tls_set(*tls)
    client.on_connect = lambda *_: up.set()
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    up.wait(10)
    payload = b"." * EVENT_BYTES
    play(lambda _is_open: client.publish(f"door/v1/{name}/event", payload, qos=1))
    client.disconnect()


main(*sys.argv[1:])
