#!/bin/sh
# settle.sh ROOT SETTINGS: what a root is given after the package and the overlay. The layer runs it, and build.py.
set -eu
root=$1
settings=$2
here=$(dirname "$0")

id_in() { awk -F: '$1 == "doorunit" { print $3 }' "$root/etc/$1"; }
user=$(id_in passwd)
group=$(id_in group)
[ -n "$user" ] && [ -n "$group" ] || { echo "$root: found no account doorunit; want its package installed" >&2; exit 1; }

# At each boot the image's copy of a shared folder is written over the shared one: an identity or a spool that came with
# the image would replace the unit's own, each time. And as this folder is owned, so is the shared one.
for folder in doorunit doorunit-recovery; do
    if [ -n "$(find "$root/var/lib/$folder" -mindepth 1 -print -quit 2>/dev/null)" ]; then
        echo "$root/var/lib/$folder: found files; want none in an image" >&2
        exit 1
    fi
done
install -d -m 0700 -o "$user" -g "$group" "$root/var/lib/doorunit"
install -d -m 0755 "$root/var/lib/doorunit-recovery"

install -m 0640 -g "$group" "$settings" "$root/etc/doorunit/doorunit.toml"
install -d "$root/bootfs"
if [ -f "$root/boot/firmware/config.txt" ]; then
    cat "$here/config.txt" >>"$root/boot/firmware/config.txt"
fi

# Bookworm has /tmp on the root unless told otherwise.
if [ -f "$root/usr/share/systemd/tmp.mount" ]; then
    ln -sf /usr/share/systemd/tmp.mount "$root/etc/systemd/system/tmp.mount"
    install -d "$root/etc/systemd/system/local-fs.target.wants"
    ln -sf ../tmp.mount "$root/etc/systemd/system/local-fs.target.wants/tmp.mount"
fi
