#!/bin/sh
# Starts the adapter under Wine, in the prefix that setup.sh has made. WINEPREFIX may name another one: parallel runs need one each.
# With --fresh, all that runs in the prefix is ended first. A stalled transfer of an earlier run would hold up every later job.
here=$(dirname "$(readlink -f "$0")")
: "${WINEPREFIX:=$here/../../target/wine}"
export WINEPREFIX WINEDEBUG="${WINEDEBUG:--all}" WINEDLLOVERRIDES="mscoree,mshtml,winedbg.exe=" LC_ALL=C.UTF-8
unset DISPLAY
# A service is there once in a prefix, so each further process of a run has a prefix of its own: a registry beside the first one's files.
if [ "${BGCHECK_PROCESS:-0}" != 0 ]; then
    first=$(readlink -f "$WINEPREFIX")
    WINEPREFIX=$first-$BGCHECK_PROCESS
    if [ ! -e "$WINEPREFIX/system.reg" ]; then
        mkdir -p "$WINEPREFIX"
        ln -sfn "$first/drive_c" "$WINEPREFIX/drive_c"
        cp -a "$first/dosdevices" "$first/.update-timestamp" "$first/user.reg" "$first/userdef.reg" "$first/system.reg" "$WINEPREFIX/"
    fi
fi
if [ "${1:-}" = --fresh ]; then
    shift
    wineserver -k </dev/null >/dev/null 2>&1 && wineserver -w </dev/null >/dev/null 2>&1
fi
exec wine "$here/../../target/adapters/windows/adapter.exe" "$@"
