#!/bin/sh
# A store for belay in shell: a folder, with copies beside it.
#
#   stores: { data: { driver: [./store.sh, ./data], env: { LAYOUT: schema.txt } } }
#
# LAYOUT: a file in it that tells how the data is organised; without one every change is a new
# layout. Protocol: docs/formats/driver-protocol.md. Needs GNU coreutils, find and diff.
set -eu

fail() { echo "store.sh: $2" >&2; exit "$1"; }
answer() { printf '{"protocol": 1%s}\n' "${1:+, $1}"; }
quoted() { # as a JSON text; names of folders are one line
  printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037\177' | sed 's/[\\"]/\\&/g')"
}
digest() {
  (cd "$1" && { find . -printf '%P %y %m %l\n'; find . -type f -exec sha256sum {} +; }) |
    LC_ALL=C sort | sha256sum | cut -d' ' -f1
}
files() { find "$1" | wc -l; }
bytes() { du -sb "$1" | cut -f1; }
snapshot() { # PATH DIGEST
  answer "\"kept\": $(quoted "$1"), \"digest\": \"$2\", \"files\": $(files "$1"), \"bytes\": $(bytes "$1")"
}
check_id() {
  case $1 in */* | .* | "") fail 64 "'$1' is no id" ;; esac
}
copy() { # POINT: always anew, and it gets its name when it is whole
  check_id "$1"
  [ -d "$live" ] || fail 66 "there is no $live"
  mkdir -p "$kept/$1"
  rm -rf "$kept/$1/new" "$kept/$1/tree"
  # While writers are at work a file may go away under us: then `secure` brings the whole.
  cp -a "$live" "$kept/$1/new" || [ "$BELAY_REQUEST" = protect ]
  sync
  mv -T "$kept/$1/new" "$kept/$1/tree"
}

[ "$BELAY_PROTOCOL" = 1 ] || fail 64 "I speak protocol 1, not $BELAY_PROTOCOL"
live=data
[ $# -lt 2 ] || live=$1
case $live in /*) ;; *) live=$BELAY_PROJECT/${live#./} ;; esac
kept=$(dirname "$live")/.kept-$(basename "$live")

case $BELAY_REQUEST in
describe)
  answer '"kind": "store", "about": "a folder, in shell"'
  ;;
inspect)
  [ -d "$live" ] || fail 66 "there is no $live"
  free=$(($(df -Pk "$live" | awk 'NR == 2 {print $4}') * 1024))
  answer "\"bytes\": $(bytes "$live"), \"files\": $(files "$live"), \"free_bytes\": $free, \"kept_folder\": $(quoted "$kept")"
  ;;
protect)
  copy "$BELAY_POINT"
  snapshot "$kept/$BELAY_POINT/tree" "$(digest "$kept/$BELAY_POINT/tree")"
  ;;
secure)
  copy "$BELAY_POINT"
  copied=$(digest "$kept/$BELAY_POINT/tree")
  [ "$copied" = "$(digest "$live")" ] || fail 1 "somebody still writes in $live"
  sync
  snapshot "$kept/$BELAY_POINT/tree" "$copied"
  ;;
verify)
  [ -d "$BELAY_KEPT" ] || fail 66 "$BELAY_KEPT is gone"
  [ "$(digest "$BELAY_KEPT")" = "$BELAY_DIGEST" ] || fail 65 "$BELAY_KEPT has changed"
  answer
  ;;
evidence)
  [ -d "$BELAY_KEPT" ] || fail 66 "$BELAY_KEPT is gone"
  if [ ! -d "$live" ]; then
    movement=unreadable
  elif [ "$(digest "$live")" = "$BELAY_DIGEST" ]; then
    movement=none
  elif [ -n "${LAYOUT-}" ] && cmp -s "$live/$LAYOUT" "$BELAY_KEPT/$LAYOUT"; then
    movement=data_only
  else
    movement=layout
  fi
  answer "\"movement\": \"$movement\", \"detail\": \"$(files "$BELAY_KEPT") entries then\""
  ;;
restore)
  # Two renames; after a kill the names tell which of them were done. What must be remembered, and
  # that the copy was whole, is written before the first.
  check_id "$BELAY_ABANDONED"
  out=$kept/$BELAY_ABANDONED
  if [ ! -e "$out/differences" ]; then
    [ -d "$BELAY_KEPT" ] || fail 66 "$BELAY_KEPT is gone"
    [ "$(digest "$BELAY_KEPT")" = "$BELAY_DIGEST" ] || fail 65 "$BELAY_KEPT has changed"
    mkdir -p "$live" "$out"
    { diff -rq --no-dereference "$live" "$BELAY_KEPT" || true; } | wc -l >"$out/differences.new"
    sync
    mv "$out/differences.new" "$out/differences"
  fi
  if [ -d "$BELAY_KEPT" ]; then # else it has become the live data already
    [ -d "$out/tree" ] || mv -T "$live" "$out/tree"
    mv -nT "$BELAY_KEPT" "$live"
    [ ! -d "$BELAY_KEPT" ] || fail 1 "somebody made $live anew"
    sync
  fi
  answer "\"kept\": $(quoted "$out/tree"), \"files\": $(files "$out/tree"), \"bytes\": $(bytes "$out/tree"), \"differences\": $(cat "$out/differences")"
  ;;
adopt)
  [ -d "$BELAY_KEPT" ] || fail 66 "$BELAY_KEPT is gone"
  snapshot "$BELAY_KEPT" "$(digest "$BELAY_KEPT")"
  ;;
export)
  [ -d "$BELAY_KEPT" ] || fail 66 "$BELAY_KEPT is gone"
  mkdir -p "$BELAY_INTO"
  cp -a "$BELAY_KEPT/." "$BELAY_INTO/"
  answer
  ;;
discard)
  check_id "$BELAY_ID"
  rm -rf "${kept:?}/$BELAY_ID"
  answer
  ;;
*) fail 64 "I do not know the request '$BELAY_REQUEST'" ;;
esac
