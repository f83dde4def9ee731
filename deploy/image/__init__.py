"""An image of a whole unit: what Raspberry Pi's rpi-image-gen builds it by, and the part of it that is built here."""
