#!/bin/sh
# Installs what the adapter needs under Debian, and makes the Wine prefix. Needs root where a package is missing.
set -eu
here=$(dirname "$(readlink -f "$0")")
: "${WINEPREFIX:=$here/../../target/wine}"
export WINEPREFIX WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml,winedbg.exe="
unset DISPLAY

missing=
for package in wine wine64 g++-mingw-w64-x86-64-win32 make; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "setup.sh: these packages are missing:$missing; run setup.sh as root" >&2
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086 # one word for each package
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
fi

if [ ! -e "$WINEPREFIX/system.reg" ]; then
    mkdir -p "$WINEPREFIX"
    wine wineboot -i
    wineserver -w
fi
make -C "$here"
