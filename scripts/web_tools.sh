#!/usr/bin/env bash
# What the web part of `make test` needs: Chromium for the browser tests, Node to build the page again. Installs them
# where apt and root are there; elsewhere says what is left out and how to get it. With CI set, what is missing fails.
set -euo pipefail

find_missing() {
    missing=()
    [[ -x /usr/bin/chromium ]] || missing+=(chromium)
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
}

find_missing
if ((${#missing[@]})) && [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >&2 || true
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2 || true
    find_missing
fi

for one in "${missing[@]}"; do
    case $one in
        chromium) echo "make test: /usr/bin/chromium is missing, so the browser tests are left out" >&2 ;;
        nodejs) echo "make test: node is missing, so web/ is not built again and compared" >&2 ;;
        npm) echo "make test: npm is missing, so web/ is not built again and compared" >&2 ;;
    esac
done
if ((${#missing[@]})); then
    echo "make test: to get them: apt-get install ${missing[*]}" >&2
    [[ -z ${CI:-} ]] || { echo "make test: with CI set this is a failure" >&2; exit 1; }
fi
