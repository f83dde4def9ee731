"""A GB/T 28181 device: what a city centre's video platform speaks."""
