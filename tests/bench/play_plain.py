"""Player: the script that is written when a door is to be put on MQTT in half an hour, on gpiozero's mock pins."""

import json
import sys
import threading
from datetime import UTC, datetime

import gpiozero
import paho.mqtt.client as mqtt
from beat import play
from gpiozero.pins.mock import MockFactory

name, port = sys.argv[1:]
gpiozero.Device.pin_factory = MockFactory()  # on a Pi this line is missing
up = threading.Event()

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name)
client.on_connect = lambda *_: up.set()
client.connect("127.0.0.1", int(port))
client.loop_start()
door = gpiozero.Button(17)  # pressed: the reed is closed


def tell(state):
    """Publish what the door does."""
    message = {"door": state, "time": datetime.now(UTC).isoformat()}
    client.publish(f"door/v1/{name}/event", json.dumps(message), qos=1)


pin = gpiozero.Device.pin_factory.pin(17)
pin.drive_low()
door.when_released = lambda: tell("open")
door.when_pressed = lambda: tell("shut")

up.wait(10)
play(lambda is_open: pin.drive_high() if is_open else pin.drive_low())
client.disconnect()
