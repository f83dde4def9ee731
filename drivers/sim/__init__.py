"""A simulated I2C bus and the chips on it, with their registers and their faults; for tests and `--simulate`."""
