#!/usr/bin/env bash
# What the tests of the lab's page need: Chromium, and Node for the check that the committed bundle is what web/ builds.
# Installs both with apt where it is root and they are missing; elsewhere says what is left out, and how to get it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
if ((${#missing[@]})) && [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
    missing=()
fi
if ((${#missing[@]})); then
    echo "The tests of the lab's page are left out where they need: ${missing[*]}. On Debian: apt-get install ${missing[*]}" >&2
    [[ -z ${RUNG_CI:-} ]] || exit 1
fi
if command -v npm >/dev/null; then
    make --no-print-directory web-check
fi
