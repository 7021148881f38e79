#!/bin/sh
# A runtime for belay in shell. A release is a folder dist/LABEL; the service is a program in it.
#
#   services: { shop: { driver: [./runtime.sh, ./shop, --port, "8080"] } }      default: ./run
#
# Protocol: docs/formats/driver-protocol.md. Needs flock and setsid (util-linux) and GNU find.
# Whether the service runs is told by a lock that it inherits and so holds as long as it lives:
# no pid file can lie about that, whoever is killed and when.
set -eu

state=$BELAY_FOLDER
lock=$state/lock
record=$state/record # of the last start: id, start, pid; written by the service before it is one
log=$state/log
stop_seconds=${STOP_SECONDS:-20}

fail() { echo "runtime.sh: $2" >&2; exit "$1"; }
answer() { printf '{"protocol": 1%s}\n' "${1:+, $1}"; }
quoted() { # as a JSON text
  printf '"%s"' "$(printf '%s' "$1" | iconv -c -f UTF-8 -t UTF-8 | tr '\t' ' ' |
    tr -d '\000-\010\013-\037\177' | sed 's/[\\"]/\\&/g' | awk '{printf "%s%s", s, $0; s = "\\n"}')"
}
digest() {
  (cd "$1" && { find . -printf '%P %y %m %l\n'; find . -type f -exec sha256sum {} +; }) |
    LC_ALL=C sort | sha256sum | cut -d' ' -f1
}
is_running() { [ -e "$lock" ] && ! flock -n -s "$lock" true; }
read_record() { # into $id, $start and $pid; the service may be just about to write it
  tries=0
  while [ ! -e "$record" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail 1 "the service runs, but has not said so in $record"
    sleep 0.05
  done
  { read -r id; read -r start; read -r pid; } <"$record"
}
current() { readlink "$state/current" || true; }

[ "$BELAY_PROTOCOL" = 1 ] || fail 64 "I speak protocol 1, not $BELAY_PROTOCOL"
case ${BELAY_LABEL-1} in */* | .* | "") fail 64 "'$BELAY_LABEL' cannot name a release" ;; esac

# The words of `driver:` without the last one, which is the request.
words=$#
while [ "$words" -gt 1 ]; do
  set -- "$@" "$1"
  shift
  words=$((words - 1))
done
shift
[ $# -gt 0 ] || set -- ./run

case $BELAY_REQUEST in
describe)
  answer '"kind": "runtime", "about": "folders of ./dist, in shell"'
  ;;
can_prepare)
  [ -d "dist/$BELAY_LABEL" ] || [ -d "$state/releases/$BELAY_LABEL" ] ||
    fail 66 "there is no dist/$BELAY_LABEL"
  answer
  ;;
prepare)
  to=$state/releases/$BELAY_LABEL
  if [ ! -d "$to" ]; then # a folder gets its name when it is whole, so there is no half of one
    [ -d "dist/$BELAY_LABEL" ] || fail 66 "there is no dist/$BELAY_LABEL"
    mkdir -p "$state/releases"
    rm -rf "$state/making"
    cp -a "dist/$BELAY_LABEL" "$state/making"
    sync
    mv -T "$state/making" "$to"
    sync
  fi
  answer "\"id\": $(quoted "$to"), \"digest\": \"$(digest "$to")\""
  ;;
verify)
  [ -d "$BELAY_ID" ] || fail 66 "$BELAY_ID is gone"
  [ "$(digest "$BELAY_ID")" = "$BELAY_DIGEST" ] || fail 65 "$BELAY_ID has changed"
  answer
  ;;
observe)
  if is_running; then
    read_record
    answer "\"running\": true, \"id\": $(quoted "$id"), \"start\": \"$start\", \"pid\": $pid"
  else
    answer '"running": false'
  fi
  ;;
current)
  id=$(current)
  if [ -n "$id" ]; then answer "\"id\": $(quoted "$id")"; else answer '"id": null'; fi
  ;;
switch)
  [ -d "$BELAY_ID" ] || fail 66 "$BELAY_ID is gone"
  ln -sfn "$BELAY_ID" "$state/current.new"
  mv -T "$state/current.new" "$state/current"
  sync
  answer
  ;;
start)
  wanted=$(current)
  [ -d "$wanted" ] || fail 66 "there is no current release to start"
  if is_running; then
    read_record
    [ "$id" = "$wanted" ] || fail 1 "$id still runs"
    answer
    exit
  fi
  exec 9>>"$lock"
  flock -w 5 9 || fail 1 "it was started by somebody else"
  rm -f "$record"
  # shellcheck disable=SC2016 # it is the inner shell that expands this
  env -u BELAY_CALL setsid sh -c '
    record=$1 id=$2
    shift 2
    printf "%s\n" "$id" "$BELAY_START" "$$" >"$record.new"
    mv "$record.new" "$record"
    cd "$id" && exec "$@"' sh "$record" "$wanted" "$@" </dev/null >>"$log" 2>&1 &
  exec 9>&-
  read_record
  answer
  ;;
stop)
  if is_running; then
    read_record
    kill -s TERM -- "-$pid" 2>/dev/null || true
    flock -w "$stop_seconds" "$lock" true || kill -s KILL -- "-$pid" 2>/dev/null || true
    flock -w 10 "$lock" true || fail 1 "something of the service does not end"
  fi
  answer
  ;;
hold | let_go) # nobody else starts or stops it
  answer
  ;;
log)
  if [ -e "$log" ]; then text=$(tail -n "$BELAY_LINES" "$log" | tail -c 8000); else text=; fi
  answer "\"text\": $(quoted "$text")"
  ;;
discard)
  [ "$(current)" != "$BELAY_ID" ] || fail 1 "$BELAY_ID is the current release"
  if is_running; then
    read_record
    [ "$id" != "$BELAY_ID" ] || fail 1 "$BELAY_ID runs"
  fi
  if [ "$BELAY_ID" = "$state/releases/$BELAY_LABEL" ] && [ -d "$BELAY_ID" ]; then
    rm -rf "$state/making" # what is half removed has lost its name before
    mv -T "$BELAY_ID" "$state/making"
    rm -rf "$state/making"
  fi
  answer
  ;;
*) fail 64 "I do not know the request '$BELAY_REQUEST'" ;;
esac
