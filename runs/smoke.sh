#!/usr/bin/env bash
# The whole story, small: build the data set, train the smallest recipe, draw two pictures, show what made one.
# About ten minutes on two CPU cores; the pictures are of no use. Run it again to go on where it stopped.
#
#   runs/smoke.sh [FOLDER] [--source debian]
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

out=${1:-artifacts/smoke}
size=64

[[ -e $out/data/manifest.json ]] || underpaint data build stickers --out "$out/data" --size "$size" "${@:2}"
underpaint train smoke --data "$out/data" --out "$out/model"
underpaint generate "a smiling cat with sunglasses" "a red heart" -m "$out/model/pipeline" --seed 7 --out "$out/pictures"
underpaint show -m "$out/model/pipeline" "$out/pictures/underpaint-a-red-heart-7.png"
