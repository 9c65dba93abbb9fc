from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from underpaint.core.artifact import read_manifest
from underpaint.core.errors import ArtifactError, DataError, InputError
from underpaint.core.samples import read_samples
from underpaint.pipelines.model_folder import Model
from underpaint.stages.data.synthetic.real import DATASET, open_real


def test_a_data_set_is_opened_with_its_identity_and_what_its_authors_are_owed(small: Path) -> None:
    real = open_real(small)
    assert (real.digest, real.samples, real.credits) == (read_manifest(small).digest, read_samples(small), ())
    path = small / "attribution.json"
    owed = json.loads(path.read_text())
    owed["obligations_on_weights"]["hand_on_these_credits"] = ["Drawings by Somebody"]
    path.write_text(json.dumps(owed))
    assert open_real(small).credits == ("Drawings by Somebody",)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"obligations_on_weights": 3}'])
def test_without_attribution_nothing_is_handed_on(small: Path, content: str) -> None:
    (small / "attribution.json").write_text(content)
    with pytest.raises(DataError, match=r"attribution\.json cannot be read"):
        open_real(small)


def test_what_is_no_data_set_is_refused(small: Path) -> None:
    (small / "manifest.json").unlink()
    with pytest.raises(ArtifactError):
        open_real(small)
    shutil.rmtree(small)
    with pytest.raises(InputError, match="does not exist"):
        open_real(small)


def test_a_model_is_taught_by_the_data_set_that_it_names(small_original: Path, model: Model) -> None:
    real = open_real(small_original)
    named = {**model.manifest.parents, DATASET: real.digest}
    pupil = replace(model, manifest=model.manifest.model_copy(update={"parents": named}))
    assert (real.taught(pupil), real.taught(model)) == (True, False)
