"""A platform's receiver in a page: each record once into SQLite, then its receipt. Needs paho-mqtt alone.

receiver.py HOST PORT CA.crt CERTIFICATE KEY records.db
"""

import json
import sqlite3
import sys
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

TABLE = "CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, unit TEXT, epoch TEXT, seq INTEGER, body BLOB)"


def main(host: str, port: str, ca: str, certificate: str, key: str, path: str) -> None:
    """Receive until killed; what was not committed by then comes again."""
    records = sqlite3.connect(path)
    records.execute("PRAGMA synchronous=FULL")  # committed means: survives a power cut
    records.execute(TABLE)

    def heard(client: Client, _data: Any, message: MQTTMessage) -> None:
        unit = message.topic.split("/")[2]
        try:
            event = json.loads(message.payload)
            epoch, seq = str(event["data"]["record"]["epoch"]), int(event["data"]["record"]["seq"])
            genuine = event["id"] == f"{unit}/{epoch}/{seq}" and 0 < seq < 2**63
        except (ValueError, KeyError, TypeError, RecursionError):
            return  # not a record: no receipt, and on with the next
        if genuine:
            row = (event["id"], unit, epoch, seq, message.payload)
            with records:
                records.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?)", row)
            receipt = json.dumps({"epoch": epoch, "stored": [[seq, seq]]})  # for a duplicate too
            client.publish(f"door/v1/{unit}/receipt", receipt, qos=1)

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.tls_set(ca, certificate, key)
    client.on_connect = lambda connected, *_: connected.subscribe("door/v1/+/event", 1)
    client.on_message = heard
    client.connect(host, int(port))
    client.loop_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
