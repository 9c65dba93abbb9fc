"""Write ``inception.json``: what torch-fidelity's own network says, on weights and pictures made from our own words.

    pip download --no-deps --dest WHEELS torch-fidelity==0.4.0
    python tests/models/golden/inception_reference.py WHEELS/torch_fidelity-0.4.0-py3-none-any.whl

Its package cannot be imported without torchvision, but the two modules of the network can.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from underpaint.runtime.rng import uniform

OUT = Path(__file__).with_name("inception.json")
SIZES = ((48, 40), (310, 330))
"""Height and width of the pictures: one is enlarged, one is reduced."""


def made_state(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return name to weights that keep the signal's size; the same on every machine."""
    state = {}
    for name, shape in sorted(shapes.items()):
        unit = 2.0 * uniform(0, f"test/{name}", shape) - 1.0
        if name.endswith(("conv.weight", "fc.weight")):
            unit = unit * np.float32((6.0 / np.prod(shape[1:])) ** 0.5)
        elif name.endswith(("bn.weight", "running_var")):
            unit = np.float32(1.0) + np.float32(0.25) * unit
        else:
            unit = np.float32(0.25) * unit
        state[name] = torch.from_numpy(unit.astype(np.float32))
    return state


def made_picture(size: tuple[int, int]) -> np.ndarray:
    """Return an opaque picture ``[H, W, 4]`` of noise."""
    color = (256.0 * uniform(0, f"test/picture-{size}", (*size, 3))).astype(np.uint8)
    return np.concatenate([color, np.full((*size, 1), 255, dtype=np.uint8)], axis=2)


def reference_network(wheel: str) -> nn.Module:
    """Return torch-fidelity's network without calling its constructor's loader."""
    package = types.ModuleType("torch_fidelity")
    package.__path__ = [f"{wheel}/torch_fidelity"]
    sys.modules["torch_fidelity"] = package
    sys.path.insert(0, wheel)
    module: Any = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    module.load_state_dict_from_url = lambda *_, **__: {}
    module.FeatureExtractorInceptionV3.load_state_dict = lambda *_: None
    network = module.FeatureExtractorInceptionV3("inception", ["64", "192", "768", "2048", "logits_unbiased"])
    del module.FeatureExtractorInceptionV3.load_state_dict
    return network


def main(wheel: str) -> None:
    """Compute and write."""
    network = reference_network(wheel)
    counter = ".num_batches_tracked"
    shapes = {name: tuple(v.shape) for name, v in network.state_dict().items() if not name.endswith(counter)}
    network.load_state_dict(made_state(shapes), strict=False)
    pictures = []
    for size in SIZES:
        with torch.inference_mode():
            values = network(torch.from_numpy(made_picture(size)[..., :3].copy()).permute(2, 0, 1)[None])
        names = ("maps_0", "maps_1", "maps_2", "features", "logits")
        few = {name: value[0, ::16].tolist() for name, value in zip(names, values, strict=True)}
        pictures.append({name: [round(number, 6) for number in numbers] for name, numbers in few.items()})
    OUT.write_text(json.dumps({"shapes": {n: list(s) for n, s in sorted(shapes.items())}, "pictures": pictures}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
