#!/usr/bin/env bash
# How the shipped weights were made: data set, text table, tokenizer, latents, generator, pipeline, then its decoder trained on.
# About two and a half hours on two CPU cores with bfloat16. Run it again to go on where it stopped; docs/log.md has what it reached.
#
#   runs/reference.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"

out=${1:-artifacts/reference}

[[ -e $out/data/manifest.json ]] || underpaint data build stickers --out "$out/data" --size 64
underpaint train sticker-64-nano --data "$out/data" --out "$out/model"
underpaint train decoder-64 --data "$out/data" --from "$out/model" --out "$out/decoder"
underpaint train decoder-64-drawn --data "$out/data" --from "$out/decoder" --out "$out/drawn"
underpaint generate --prompts docs/images/grid.jsonl -m "$out/drawn/pipeline" --out "$out/grid"
echo "the package's weights are a copy of $out/drawn/pipeline: src/underpaint/weights/stickers-64"
