#!/usr/bin/env bash
# Install the Debian packages that `underpaint data build --source debian` reads, the database that job queues are tested
# with, the browser that the studio is, and promtool, which checks the server's metrics. Needs root and apt-get; without
# them, or without a package mirror, it says so and goes on: the tests that need these packages are skipped then.
set -euo pipefail

packages=(libfribidi0 fonts-noto-color-emoji unicode-cldr-core unicode-data postgresql chromium)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
has_promtool() { command -v promtool >/dev/null; }
if ((${#missing[@]} == 0)) && has_promtool; then
    exit 0
fi
has_promtool || missing_too=" promtool"
if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    echo "not installed: ${missing[*]}${missing_too:-} (needs apt-get and root)" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
if ((${#missing[@]})); then
    install=(apt-get install -qq -o DPkg::Lock::Timeout=300 -y --no-install-recommends "${missing[@]}")
    "${install[@]}" >/dev/null 2>&1 || { apt-get update -qq && "${install[@]}" >/dev/null; } ||
        echo "could not install: ${missing[*]}" >&2
fi

# Of the package prometheus (19 MB) its checker alone: the rest is a service that would be started.
take_promtool() {
    local folder
    folder=$(mktemp -d)
    (cd "$folder" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } &&
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >promtool &&
        install -m 755 promtool /usr/local/bin/promtool) >/dev/null 2>&1
    local code=$?
    rm -rf "$folder"
    return $code
}
has_promtool || take_promtool || echo "could not install: promtool" >&2
