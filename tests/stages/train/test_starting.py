from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from underpaint.core.artifact import MANIFEST, read_manifest, seal, staging
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines.model_folder import DEFAULT_MODEL, open_model
from underpaint.pipelines.optimized_folder import OptimizedSettings
from underpaint.recipes.decoder_64 import decoder
from underpaint.stages.train.decoder_run import run
from underpaint.stages.train.starting import open_starting


@pytest.fixture
def exported(tiny_export: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_export, tmp_path / "exported"))


def refusal(start: Path | str) -> str:
    with pytest.raises(InputError) as refused:
        open_starting(start)
    return str(refused.value)


def test_models_are_opened_as_everywhere(tiny_model: Path) -> None:
    assert open_starting(None) == open_starting(DEFAULT_MODEL) == open_model()
    assert open_starting(tiny_model) == open_model(tiny_model)
    with pytest.raises(InputError, match="did you mean 'stickers-64'"):
        open_starting("stickers-65")
    with pytest.raises(ArtifactError, match="is no model of underpaint"):
        open_starting(Path(__file__).parent)


def test_a_shipped_export_is_refused_with_the_name_of_its_model() -> None:
    end = "cannot be trained on; start from the model that it was exported from: --from stickers-64"
    assert refusal("stickers-64-onnx") == f"stickers-64-onnx is an exported model, which {end}"


@pytest.mark.parametrize("place", ["model", "workspace/pipeline", "my cats/pipeline"])
def test_the_model_is_found_beside_its_export(exported: Path, tiny_model: Path, tmp_path: Path, place: str) -> None:
    shutil.copytree(tiny_model, tmp_path / place)
    assert refusal(exported).endswith(f"exported from: --from {shlex.quote(str(tmp_path / place))}")


def test_a_model_that_is_not_at_hand_is_told_by_name_and_digest(
    exported: Path, tiny_model: Path, make_tiny_model: Callable[..., Path], tmp_path: Path
) -> None:
    make_tiny_model(tmp_path / "another", seed=1)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / MANIFEST).write_text("{}")
    digest = read_manifest(tiny_model).digest[:12]
    assert refusal(exported).endswith(f"exported from: the folder of {tiny_model.name} with the digest {digest}")


def test_an_optimized_model_is_refused_too(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "model")
    settings = OptimizedSettings(base="tiny", recipe="0" * 64)
    with staging(tmp_path / "fast") as folder:
        parents = {"pipeline": read_manifest(tiny_model).digest}
        seal(folder, kind="optimized", stage="optimize", config=settings, parents=parents)
    said = refusal(tmp_path / "fast")
    assert "is an optimized model" in said and said.endswith(f"made from: --from {tmp_path / 'model'}")


def test_a_training_itself_refuses_it(exported: Path, shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is an exported model, which cannot be trained on"):
        run(decoder(), shapes, tmp_path / "space", start=exported)
    assert not (tmp_path / "space").exists()
