#!/bin/sh
# Runs clamd, and starts it again ten seconds after whatever end, so that the container goes on. A Pod is ready only while all of its native sidecars
# run, and before freshclam has brought the first signatures clamd ends at once.
#
#   clamd.sh          until SIGTERM
#   clamd.sh alive    whether clamd answers; yes as well where it has no socket, because it is reading its signatures or is about to be started
config=${CLAMD_CONFIG:-/etc/privet/clamav/clamd.conf}
socket=$(sed -n 's/^LocalSocket  *//p' "$config")
if [ "${1:-}" = alive ]; then
  # `--ping` is content with a connection, which one that has hung still takes.
  [ ! -S "$socket" ] || exec clamdscan --config-file="$config" --stream --no-summary --quiet "$config"
  exit 0
fi
trap 'kill "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
rm -f "$socket"
while :; do
  clamd --config-file="$config" & child=$!
  wait "$child"
  echo "clamd has ended with $?; it is started again in 10 seconds"
  # One that was killed has left it behind.
  rm -f "$socket"
  sleep 10 & child=$!
  wait "$child"
done
