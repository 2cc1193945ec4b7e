#!/bin/sh
# Runs clamd, and starts it again ten seconds after whatever end, so that the container goes on. A Pod is ready only while all of its native sidecars
# run, and before freshclam has brought the first signatures clamd ends at once.
#
#   clamd.sh          until SIGTERM
#   clamd.sh alive    whether clamd answers; yes as well where it has no socket, because it is reading its signatures or is about to be started
config=${CLAMD_CONFIG:-/etc/privet/clamav/clamd.conf}
socket=$(sed -n 's/^LocalSocket  *//p' "$config")
if [ "${1:-}" = alive ]; then
  [ ! -S "$socket" ] || exec clamdscan --config-file="$config" --ping 2
  exit 0
fi
trap 'kill "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
while :; do
  # What one that was killed has left behind.
  rm -f "$socket"
  clamd --config-file="$config" & child=$!
  wait "$child"
  echo "clamd has ended with $?; it is started again in 10 seconds"
  sleep 10 & child=$!
  wait "$child"
done
