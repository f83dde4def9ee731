"""A video source whose pictures come when the test says so, and who listens to what a stream says of itself."""

import queue
import threading

from edge.errors import PartError


class Reel:
    """parts.VideoSource played by hand."""

    def __init__(self):
        self.lacks = None  # raised by require()
        self.fault = None  # raised by start()
        self.starts = self.stops = self.keys = 0
        self.running = threading.Event()
        self.asked = threading.Event()
        self.may_stop = threading.Event()
        self.may_stop.set()
        self._on_unit = None

    def require(self):
        if self.lacks is not None:
            raise self.lacks

    def start(self, on_unit):
        self.starts += 1
        if self.fault is not None:
            raise self.fault
        self._on_unit = on_unit
        self.running.set()

    def key_frame(self):
        self.keys += 1
        self.asked.set()

    def stop(self):
        assert self.may_stop.wait(10)
        self.stops += 1
        self.running.clear()

    def show(self, unit):
        """The encoder has a picture."""
        self._on_unit(unit)


class Watcher:
    """sender.Watch, whose facts can be waited for."""

    def __init__(self):
        self.facts = queue.Queue()
        self.ends = queue.Queue()

    def on_view(self, fact):
        self.facts.put(fact)

    def on_ended(self, call, reason):
        self.ends.put((call, reason))


def lacking():
    return PartError("camera", found="none", wanted="a camera", remedy="Mount one.")
