"""The update: a signed package goes into one of two slots, proves itself at the door, or the former one comes back.

What runs is the package's own files, or a slot (a, b) that holds the same files of another version; `launch` picks
by one link, and falls back on the package's own. The spool, the identity and the settings stand beside the slots and
belong to none. All of it runs on the system's python3 and openssl, and imports nothing of edge: edge may be what is
broken.

Why not RAUC here. RAUC (in Debian) installs whole images into a second root partition and has a boot loader choose:
right for the image of deploy/image, where rpi-image-gen lays the partitions and tryboot falls back even from a kernel
that does not start; this does not replace it, and takes no part of it. But a unit that is this package on plain
Raspberry Pi OS has no second root partition, and a card cannot be parted anew at a door; an image is hundreds of
megabytes over a bad link where this package is some fifteen; and RAUC's mark-good needs a judge in any case, which is
most of what stands here. So: images for the system, slots for the application, on either.

What a switch cannot undo: a version that writes the spool in a newer form leaves the former one unable to read it
("spool.newer"; openings are told live). A release must read and write the form of the one before it.
"""
