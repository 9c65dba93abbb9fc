from __future__ import annotations

import functools
import importlib.util
import json
import math
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from underpaint.core.errors import ArtifactError
from underpaint.core.extractor_card import CARD, read_card, write_card
from underpaint.models import inception_file
from underpaint.models.extractor import Extractor
from underpaint.models.inception import InceptionV3
from underpaint.models.inception_file import (
    CONVERT,
    INPUT,
    OFFICIAL,
    PUBLISHED_BYTES,
    PUBLISHED_SHA256,
    is_official,
    load_inception,
    make_card,
    save_converted,
)

GOLDEN = Path(__file__).with_name("golden")


@functools.cache
def reference() -> dict[str, Any]:
    return json.loads((GOLDEN / "inception.json").read_text())


@functools.cache
def script() -> Any:
    """The module that made the golden file, for its weights and pictures."""
    spec = importlib.util.spec_from_file_location("inception_reference", GOLDEN / "inception_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A converted file with made weights; the 'published' file is a stand-in."""
    place = tmp_path_factory.mktemp("inception")
    source = place / "some.pth"
    source.write_bytes(b"the pickle")
    state = script().made_state({name: tuple(shape) for name, shape in reference()["shapes"].items()})
    state["Conv2d_1a_3x3.bn.num_batches_tracked"] = torch.tensor(7)
    return save_converted(state, source, place / "converted")


@pytest.fixture(scope="module")
def extractor(folder: Path) -> Extractor:
    return load_inception(folder)


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        state = InceptionV3().state_dict()
    found = {name: list(v.shape) for name, v in state.items() if not name.endswith("num_batches_tracked")}
    assert found == reference()["shapes"]
    assert found["Conv2d_1a_3x3.conv.weight"] == [32, 3, 3, 3]
    assert found["fc.weight"] == [1008, 2048]


def test_the_number_of_weights_fits_the_published_file() -> None:
    """95,628,359 bytes hold 472 tensors and less than 200 bytes of names and headers a tensor."""
    shapes = reference()["shapes"].values()
    weights = 4 * sum(math.prod(shape) for shape in shapes)
    assert 0 < PUBLISHED_BYTES - weights < 200 * len(shapes)


@pytest.mark.parametrize("index", [0, 1])
def test_it_computes_what_torch_fidelity_computes(extractor: Extractor, index: int) -> None:
    golden, picture = reference()["pictures"][index], script().made_picture(script().SIZES[index])
    found = extractor.extract([picture])
    np.testing.assert_allclose(found.features[0, ::16], golden["features"], rtol=2e-5, atol=5e-6)
    maps = extractor.maps([picture])
    for number in range(3):
        means = maps[number][0].mean(axis=(1, 2))
        np.testing.assert_allclose(means[::16], golden[f"maps_{number}"], rtol=2e-5, atol=5e-6)
    log = np.log(found.probabilities["imagenet"][0, ::16].astype(np.float64))
    np.testing.assert_allclose(log - log[0], np.subtract(golden["logits"], golden["logits"][0]), atol=5e-5)


def test_the_last_block_pools_by_the_maximum_and_padding_does_not_count(extractor: Extractor) -> None:
    """Both differences from the usual Inception-v3 change the features."""
    picture, network = script().made_picture((48, 40)), extractor.network
    assert isinstance(network, InceptionV3)
    features = extractor.extract([picture]).features
    try:
        network.Mixed_7c.max_pool = False
        assert np.abs(extractor.extract([picture]).features - features).max() > 0.01
    finally:
        network.Mixed_7c.max_pool = True


def test_features_do_not_depend_on_the_batch(extractor: Extractor) -> None:
    pictures = [script().made_picture((32, 32 + i)) for i in range(3)]
    whole = extractor.extract(pictures)
    for row, picture in enumerate(pictures):
        alone = extractor.extract([picture])
        assert np.abs(alone.features[0] - whole.features[row]).max() <= 1e-6 * np.abs(whole.features).max()
    np.testing.assert_allclose(whole.probabilities["imagenet"].sum(axis=1), 1.0, rtol=1e-5)


def test_only_the_published_weights_bear_the_official_name(folder: Path) -> None:
    card = read_card(folder)
    assert card.name == "inception-v3"
    assert not is_official(card)
    official = make_card("1" * 64, official=True, source=f"x, SHA-256 {PUBLISHED_SHA256}")
    assert is_official(official)
    assert official.name == OFFICIAL
    assert official.input == INPUT
    assert not is_official(make_card("1" * 64, official=True, source="elsewhere"))


def test_a_changed_or_cut_file_is_refused(folder: Path, tmp_path: Path) -> None:
    write_card(read_card(folder), tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes((folder / "model.safetensors").read_bytes()[:-4])
    with pytest.raises(ArtifactError, match="cut off or was changed"):
        load_inception(file)
    (tmp_path / CARD).unlink()
    with pytest.raises(ArtifactError, match=r"no extractor\.json beside it"):
        load_inception(file)


def test_a_missing_file_is_refused_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"pt_inception-2015-12-05-6726825d\.pth"):
        load_inception(tmp_path / "nothing")


def test_another_network_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "x.pth"
    source.write_bytes(b"")
    with pytest.raises(ArtifactError, match="weights are missing"):
        save_converted({"conv.weight": torch.zeros(1)}, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_pickle_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="never opened") as caught:
        load_inception(tmp_path / "pt_inception.pth")
    command = CONVERT.format(source=tmp_path / "pt_inception.pth", folder="pt_inception")
    assert str(caught.value).splitlines()[1] == command
    assert "weights_only=True" in command


@pytest.mark.slow
def test_the_command_converts(tmp_path: Path) -> None:
    expected = inception_file._expected()
    state = {name: torch.zeros(1).expand(shape) for name, (shape, _) in expected.items()}
    torch.save(state, tmp_path / "pt.pth")  # noqa: TID251
    _, script, source, folder = shlex.split(CONVERT.format(source="pt.pth", folder="converted"))[1:]
    subprocess.run([sys.executable, "-c", script, source, folder], cwd=tmp_path, check=True)
    assert load_inception(tmp_path / "converted").card.name == "inception-v3"
