"""Player: mqtt-io as it comes, its gpiozero module on gpiozero's mock pins, in a Python that has mqtt-io.

Input by interrupt on both edges. mqtt-io publishes inputs at QoS 0 and has no setting for it.
"""

import logging.config
import sys
import threading
import time

import gpiozero
from beat import play
from gpiozero.pins.mock import MockFactory
from mqtt_io.config import validate_and_normalise_main_config
from mqtt_io.server import MqttIo


def drive(server: MqttIo) -> None:
    """In a thread of its own: play, then end the server as its signal handler would."""
    pin = gpiozero.Device.pin_factory.pin(17)
    while not getattr(server, "mqtt_connected", None) or not server.mqtt_connected.is_set():
        time.sleep(0.02)
    pin.drive_low()
    play(lambda is_open: pin.drive_high() if is_open else pin.drive_low())
    server.loop.call_soon_threadsafe(server._main_task.cancel)


def main(name: str, port: str) -> None:
    """Publish on door/v1/<name>/input/door."""
    gpiozero.Device.pin_factory = MockFactory()
    door = {"name": "door", "module": "pins", "pin": 17, "interrupt": "both", "pullup": True, "retain": False}
    settings = {
        "mqtt": {"host": "127.0.0.1", "port": int(port), "topic_prefix": f"door/v1/{name}", "client_id": name},
        "gpio_modules": [{"name": "pins", "module": "gpiozero"}],
        "digital_inputs": [door],
    }
    checked = validate_and_normalise_main_config(settings)
    logging.config.dictConfig(checked["logging"])  # its default: every change is a line on stderr
    server = MqttIo(checked)
    threading.Thread(target=drive, args=(server,), daemon=True).start()
    server.run()


main(*sys.argv[1:])
