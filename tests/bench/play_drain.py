"""What a backlog's drain is compared with: paho alone, pipelined; and one record after another with a sync for each."""

import sqlite3
import sys
import threading
from pathlib import Path

from beat import EVENT_BYTES
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

WINDOW = 64  # uplink.window as shipped
QUEUE = 1000  # published and not acknowledged, those that wait in paho included


def main(name: str, port: str, records: str, folder: str) -> None:
    """Publish on door/v1/<name>/event at QoS 1, then end. name: "raw" or "one-sync"."""
    up = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, name)
    client.max_inflight_messages_set(WINDOW)
    client.on_connect = lambda *_: up.set()
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    up.wait(10)
    topic, payload = f"door/v1/{name}/event", b"." * EVENT_BYTES
    if name == "raw":
        pipelined(client, topic, payload, int(records))
    else:
        one_by_one(client, topic, payload, int(records), Path(folder))
    client.disconnect()
    client.loop_stop()


def pipelined(client: Client, topic: str, payload: bytes, records: int) -> None:
    """As fast as the broker acknowledges, WINDOW of them in flight; MQTT has names for 65,535 at once."""
    room = threading.Semaphore(QUEUE)
    client.on_publish = lambda *_: room.release()
    for _ in range(records):
        room.acquire()
        client.publish(topic, payload, qos=1)
    for _ in range(QUEUE):
        room.acquire()


def one_by_one(client: Client, topic: str, payload: bytes, records: int, folder: Path) -> None:
    """From an SQLite spool: publish the oldest, wait for its PUBACK, delete it with a commit that is synced."""
    db = sqlite3.connect(folder / "one-sync.db", isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE record (n INTEGER PRIMARY KEY)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO record VALUES (?)", [(n,) for n in range(records)])
    db.execute("COMMIT")
    for n in range(records):
        client.publish(topic, payload, qos=1).wait_for_publish(60)
        db.execute("DELETE FROM record WHERE n = ?", (n,))
    db.close()


main(*sys.argv[1:])
