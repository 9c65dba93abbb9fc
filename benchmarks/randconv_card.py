"""Write the card of ``randconv-v1``: its hash, and the fixed standardization over the sticker reference.

    python benchmarks/randconv_card.py DATA [--check]

``DATA`` is the data set of stickers at 64 px; its splits ``validation`` and ``test_concept`` are the reference. With
``--check`` nothing is written; the card that this machine would write is compared with the one in the package.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from underpaint.core.artifact import read_manifest
from underpaint.core.extractor_card import read_card, write_card
from underpaint.core.samples import read_samples
from underpaint.models.preprocess import prepare
from underpaint.models.randconv import FOLDER, INPUT, RandomConvolutions, make_card, random_weights, standardization

SPLITS = ("validation", "test_concept")


def reference_pictures(data: Path) -> list[np.ndarray]:
    """Return the pictures of the reference ``[64, 64, 4]``, in the order of the data set."""
    pictures = []
    for sample in read_samples(data):
        if sample.split in SPLITS:
            with Image.open(data / sample.file) as image:
                pictures.append(np.asarray(image.convert("RGBA")))
    return pictures


def main() -> int:
    """Compute the card; write or compare it."""
    parser = argparse.ArgumentParser(description="The card of randconv-v1.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    tensors = random_weights()
    network = RandomConvolutions(tensors, torch.device("cpu"))
    with torch.inference_mode():
        raw = network(torch.from_numpy(prepare(reference_pictures(args.data), INPUT))).numpy()
    reference = f"{read_manifest(args.data, kind='dataset').digest}:{'+'.join(SPLITS)}"
    card = make_card(tensors, standardization(raw, reference))
    if args.check:
        found, made = read_card(FOLDER).feature_affine, card.feature_affine
        assert found is not None and made is not None
        same = found.kept == made.kept and np.allclose([found.mean, found.std], [made.mean, made.std], rtol=1e-5)
        print("the card is right" if same else "the card differs")
        return 0 if same else 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_card(card, FOLDER)
    print(f"{card.key}: {len(raw)} pictures, {card.dim} of {raw.shape[1]} features kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
