"""What the portable tests share: a clock that is turned, and what a driver said against something."""


class Clock:
    """Milliseconds that pass only when somebody sleeps."""

    def __init__(self):
        self.ms = 0

    def now_ms(self):
        return self.ms

    def sleep_ms(self, ms):
        self.ms += ms


def said(kind, call, *arguments):
    """The text of the error of this kind that the call raises; "" where it raises none."""
    try:
        call(*arguments)
    except kind as err:
        return str(err)
    return ""
