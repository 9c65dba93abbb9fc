#!/usr/bin/env bash
# Install the Debian packages that `underpaint data build --source debian` reads, the database that job queues are tested
# with, and the browser that the studio is. Needs root and apt-get; without them, or without a package mirror, it says so
# and goes on: the tests that need these packages are skipped then.
set -euo pipefail

packages=(libfribidi0 fonts-noto-color-emoji unicode-cldr-core unicode-data postgresql chromium)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    exit 0
fi
if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    echo "not installed: ${missing[*]} (needs apt-get and root)" >&2
    exit 0
fi
install=(apt-get install -qq -o DPkg::Lock::Timeout=300 -y --no-install-recommends "${missing[@]}")
export DEBIAN_FRONTEND=noninteractive
"${install[@]}" >/dev/null 2>&1 || { apt-get update -qq && "${install[@]}" >/dev/null; } ||
    echo "could not install: ${missing[*]}" >&2
