#!/bin/sh
# Makes sure that the system libraries which Qt and Python's venv need are there. Installs what is missing when run as
# root on Debian or Ubuntu; otherwise prints the exact command to run and fails. Other systems bring them themselves.
set -eu

[ "$(uname -s)" = Linux ] || exit 0
command -v dpkg-query >/dev/null 2>&1 || exit 0

packages="
python3-venv
libegl1 libgl1 libfontconfig1 libdbus-1-3 libxkbcommon0 libxkbcommon-x11-0
libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0
libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1
libglib2.0-0 libgssapi-krb5-2
"

missing=""
for package in $packages; do
    # A Python from elsewhere (pyenv, a container image) has its own venv.
    if [ "$package" = python3-venv ] && "${PYTHON:-python3}" -c "import venv, ensurepip" 2>/dev/null; then continue; fi
    # Newer Debian releases renamed some: libglib2.0-0 is libglib2.0-0t64 there.
    status=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" "${package}t64" 2>/dev/null || true)
    case "$status" in *ii*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    echo "Installing system libraries:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "Some system libraries are missing. Run this, then try again:" >&2
    echo "    sudo apt-get install$missing" >&2
    exit 1
fi
