"""The camera: its thread, its mask, and the frames around an opening. Nothing here writes to a disk."""
