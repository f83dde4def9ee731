#!/bin/sh
# NetworkManager's dispatcher: gives time servers that came by DHCP to systemd-timesyncd, as networkd does by itself. On a
# network that is closed to the outside, the pool that timesyncd asks otherwise never answers.
set -eu

interface=$1
action=$2
folder=${DOORUNIT_TIMESYNC:-/run/systemd/timesyncd.conf.d}
file=$folder/60-doorunit-$interface.conf

case "$action" in
up | dhcp4-change) servers=${DHCP4_NTP_SERVERS:-} ;;
down) servers= ;;
*) exit 0 ;;
esac
case "$servers" in
*[!0-9.\ ]*) exit 0 ;; # DHCP gives addresses; what else is there is not for a file of settings
esac

before=$(cat "$file" 2>/dev/null || true)
if [ -n "$servers" ]; then
    mkdir -p "$folder"
    printf '[Time]\nNTP=%s\n' "$servers" >"$file"
else
    rm -f "$file"
fi
[ "$(cat "$file" 2>/dev/null || true)" = "$before" ] || systemctl try-restart systemd-timesyncd.service || true
