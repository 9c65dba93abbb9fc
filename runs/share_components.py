"""Make a trained model ready to ship beside one that is shipped already: what both have is left out.

    python runs/share_components.py artifacts/decoder-128 --like stickers-64 --out src/underpaint/weights/stickers-128

CONTRIBUTING.md says what comes before and after.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.sharing import save_sharing


def main() -> None:
    """Read the options, save the model, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the trained model: folder of a training, or of its pipeline")
    parser.add_argument("--like", required=True, help="name of the shipped model that has the same components")
    parser.add_argument("--out", type=Path, required=True, help="the new folder, named like the model")
    options = parser.parse_args()
    manifest = save_sharing(open_model(options.model), open_model(options.like), options.out)
    size = sum(entry.bytes for entry in manifest.files.values()) / 1e6
    sys.stdout.write(f"{options.out}: {size:.1f} MB, {len(manifest.files)} files, {manifest.digest[:12]}\n")


if __name__ == "__main__":
    main()
