# Shared by the scripts of this folder; sourced, never run.
# Everything that is downloaded or built for the lab lives in one cache folder outside of the checkout.
# shellcheck shell=bash

REPO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
HOLDFAST_CACHE="${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}"
export REPO HOLDFAST_CACHE

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

# die MESSAGE: one line that says what, where and what to do.
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

require_root() { [ "$(id -u)" = 0 ] || die "$1 needs root on this machine: run it as root (sudo -E $0 ...)"; }

# require_space DIR MEGABYTES [ELSE]: a full disk otherwise shows as a strange error of some compiler.
require_space() {
  mkdir -p "$1" || die "cannot create $1: set HOLDFAST_CACHE to a folder you may write to"
  local free
  free=$(df -Pm "$1" | awk 'NR==2 {print $4}')
  [ "$free" -ge "$2" ] || die "only $free MB free under $1, $2 MB are needed: free some${3- or set HOLDFAST_CACHE to another disk}"
}

# with_progress LABEL COMMAND...: runs it with its output in a log, says every 20 s that it still runs and shows the
# end of the log when it fails.
with_progress() {
  local label=$1 log started=$SECONDS
  shift
  mkdir -p "$HOLDFAST_CACHE/log"
  log="$HOLDFAST_CACHE/log/$(printf '%s' "$label" | tr -c 'A-Za-z0-9.\n' '-').log"
  say "$label ..."
  # A process group of its own, so that a signal to this script ends the compiler, too, and not only the shell around it.
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  local pid=$! told=0
  set +m
  # shellcheck disable=SC2064
  trap "kill -- -$pid 2>/dev/null; exit 143" TERM INT HUP
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if [ $((SECONDS - started - told)) -ge 20 ]; then
      told=$((SECONDS - started))
      say "$label ... $told s"
    fi
  done
  local code=0
  wait "$pid" || code=$?
  trap - TERM INT HUP
  if [ $code != 0 ]; then
    tail -n 25 "$log" >&2
    say "$label failed after $((SECONDS - started)) s: the whole log is $log"
    return 1
  fi
  say "$label: done in $((SECONDS - started)) s"
}

# node 24 of the project, whatever the machine's own is.
project_node() { printf '%s/node_modules/.bin/node' "$REPO"; }
