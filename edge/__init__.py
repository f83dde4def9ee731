"""doorunit: the unit's agent (`doorunit run`) and the receiving end (`doorunit station`)."""

VERSION = "0.1.0"
