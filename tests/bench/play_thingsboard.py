"""Player: ThingsBoard's gateway with its SQLite storage, and what stands for ThingsBoard and for its pin.

ThingsBoard is a plain broker and a client on it, which answers what the gateway asks before it sends: no limits.

The gateway has no connector for a pin: it is fed through its own MQTT connector, so that a movement is a message on
the same broker, and the way of that message is part of what is measured. It publishes v1/gateway/telemetry at QoS 1.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from beat import play
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

READY_S = 60
FEED = "pin/thingsboard"
SAID = "v1/gateway/telemetry"
ASKED = "v1/devices/me/rpc/request/+"
LIMITS = {"messages": "", "telemetryMessages": "", "telemetryDataPoints": ""}
ANSWER = {"maxPayloadSize": 65_536, "maxInflightMessages": 1000, "rateLimits": LIMITS, "gatewayRateLimits": LIMITS}


def main(name: str, port: str, folder: str, python: str, feed_port: str = "") -> None:
    """Publish to the broker on `port`; be fed by the one on feed_port, or the same. python: one with the gateway."""
    home = Path(folder)
    config = home / "config"
    configure(config, int(port), int(feed_port or port), home)
    env = {**os.environ, "TB_GW_CONFIG_DIR": str(config), "PYTHONPYCACHEPREFIX": str(home.parent / "bytecode")}
    words = [python, "-c", "from thingsboard_gateway.tb_gateway import main; main()"]
    taken = stand_in(int(port), name)
    process = subprocess.Popen(words, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    try:
        client = fed(int(feed_port or port), name, process, taken)
        number = iter(range(1, 1 << 30))
        play(lambda is_open: client.publish(FEED, message(next(number), is_open), qos=1))
        client.disconnect()
    finally:
        process.kill()  # it takes 20 s to end otherwise
        process.wait(10)


def message(number: int, is_open: bool) -> str:
    """With a time of its own: two that the gateway takes up in one millisecond would be one otherwise."""
    return json.dumps({"n": number, "open": is_open, "ts": time.time_ns() // 1_000_000})


def stand_in(port: int, name: str) -> threading.Event:
    """What answers like ThingsBoard until this process ends, also after the broker was away; set at the first word."""
    taken = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, f"{name}-board")
    client.on_connect = lambda *_: client.subscribe([(ASKED, 1), (SAID, 0)])

    def hear(_client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic == SAID:
            taken.set()
            client.unsubscribe(SAID)
        else:
            client.publish(message.topic.replace("request", "response"), json.dumps(ANSWER), 1)

    client.on_message = hear
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return taken


def configure(config: Path, port: int, feed_port: int, home: Path) -> None:
    """Its files: as shipped but for addresses, SQLite, and no remote configuration, statistics or rate limits."""
    config.mkdir(parents=True, exist_ok=True)
    (home / "logs").mkdir(exist_ok=True)
    (home / "data").mkdir(exist_ok=True)
    limits = ("rateLimits", "dpRateLimits", "messagesRateLimits", "deviceMessagesRateLimits", "deviceRateLimits")
    board = {"host": "127.0.0.1", "port": port, "remoteShell": False, "remoteConfiguration": False, "qos": 1}
    board |= {"security": {"type": "accessToken", "accessToken": "bench"}, "statistics": {"enable": False}}
    board |= {"minPackSendDelayMS": 50, "minPackSizeToSend": 500, "checkConnectorsConfigurationInSeconds": 600}
    board |= dict.fromkeys((*limits, "deviceDpRateLimits"), "0:0,")
    storage = {"type": "sqlite", "data_file_path": f"{home}/data/", "messages_ttl_in_days": 7}
    connector = {"name": "pin", "type": "mqtt", "configuration": "mqtt.json"}
    general = {"thingsboard": board, "storage": storage, "grpc": {"enabled": False}, "connectors": [connector]}
    named = {"deviceNameExpressionSource": "constant", "deviceNameExpression": "door"}
    named |= {"deviceProfileExpressionSource": "constant", "deviceProfileExpression": "default"}
    series = [{"type": "integer", "key": "n", "value": "${n}"}, {"type": "boolean", "key": "open", "value": "${open}"}]
    converter = {
        "type": "json",
        "deviceInfo": named,
        "timeout": 60_000,
        "tsField": "${ts}",
        "attributes": [],
        "timeseries": series,
    }
    broker = {"host": "127.0.0.1", "port": feed_port, "clientId": "gateway-pin", "version": 5}
    broker |= {"maxMessageNumberPerWorker": 10, "maxNumberOfWorkers": 100, "security": {"type": "anonymous"}}
    mapping = [{"topicFilter": FEED, "subscriptionQos": 1, "converter": converter}]
    level = {"version": 1, "disable_existing_loggers": False, "root": {"level": "ERROR", "handlers": []}}
    write(config / "tb_gateway.json", general)
    write(config / "mqtt.json", {"broker": broker, "mapping": mapping, "requestsMapping": {}})
    write(config / "logs.json", {**level, "formatters": {}, "handlers": {}, "loggers": {}})


def write(path: Path, what: object) -> None:
    """As JSON."""
    path.write_text(json.dumps(what, indent=1), encoding="ascii")


def fed(port: int, name: str, process: subprocess.Popen, taken: threading.Event) -> Client:
    """Who moves the door, once the gateway takes what it publishes. Raises RuntimeError where it does not."""
    client = Client(CallbackAPIVersion.VERSION2, f"{name}-feed")
    client.connect("127.0.0.1", port)
    client.loop_start()
    deadline_s = time.monotonic() + READY_S
    while time.monotonic() < deadline_s and process.poll() is None:
        client.publish(FEED, '{"n": 0, "open": false}', qos=1)
        if taken.wait(0.5):
            time.sleep(1)
            return client
    raise RuntimeError(f"the gateway published nothing within {READY_S} s; it ended with {process.poll()}")


main(*sys.argv[1:])
