"""The shipped simulated parts: the same promises, without the hardware."""
