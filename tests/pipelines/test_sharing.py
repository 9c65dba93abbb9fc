"""Models that share components with one that comes along draw what whole ones draw, or say what is missing."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import underpaint
from underpaint.cli import doctor
from underpaint.core.artifact import hash_file, read_manifest, seal, verify
from underpaint.core.errors import ArtifactError, InputError
from underpaint.pipelines import model_folder
from underpaint.pipelines.adapted_model import AdapterSettings, open_adapted
from underpaint.pipelines.for_diffusers import UnderpaintPipeline
from underpaint.pipelines.model_folder import INDEX, Model, open_model, verify_whole
from underpaint.pipelines.saved import load_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.sharing import save_sharing, shared_components

CAT = DrawRequest(caption="a smiling cat", style="flat", seed=5)
WHOLE_OF_IT = ("text_tokenizer", "text_encoder", "quantizer", "transformer", "residual")
SCRIPT = Path(__file__).parents[2] / "runs" / "share_components.py"


def draw(model: Model) -> np.ndarray:
    return load_pipeline(model, torch.device("cpu")).draw([CAT])[0]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def lender_of(sharing_model: Path) -> Path:
    return sharing_model.parent / model_folder.DEFAULT_MODEL


def test_what_is_the_same_is_left_out_and_the_index_says_where_it_lies(sharing_model, doubled_model):
    model, whole = open_model("doubled"), open_model(doubled_model)
    assert {path.parent.name for path in sharing_model.glob("*/*")} == {"autoencoder"}
    assert shared_components(whole, open_model()) == WHOLE_OF_IT
    assert model.shared is not None and model.shared.digest == open_model().digest
    assert model.manifest.parents == {**whole.manifest.parents, "pipeline": whole.digest}
    assert model.digest not in (whole.digest, open_model().digest)
    assert model.components == whole.components and verify(sharing_model, kind="pipeline").config == {"by": "the tests"}


def test_it_draws_what_the_whole_model_draws(sharing_model, doubled_model):
    ours = draw(open_model(sharing_model))
    assert ours.shape == (64, 64, 4)
    assert np.array_equal(ours, draw(open_model(doubled_model)))


def test_every_file_is_found_where_it_lies_and_counted_once(sharing_model, doubled_model):
    model, whole = open_model(sharing_model), open_model(doubled_model)
    assert model.folder_of("autoencoder") == sharing_model / "autoencoder"
    assert model.folder_of("transformer") == lender_of(sharing_model) / "transformer"
    for name, entry in whole.files.items():
        if name != INDEX:
            path, sha256 = model.part(*name.split("/"))
            assert sha256 == entry.sha256 == hash_file(path)
    assert model.files.keys() == whole.files.keys()
    with pytest.raises(ArtifactError, match=r"doubled/manifest.json does not list autoencoder/graph.onnx"):
        model.part("autoencoder", "graph.onnx")


def test_a_component_that_the_model_does_without_is_not_taken_from_the_other(sharing_model):
    values = json.loads((sharing_model / INDEX).read_text())
    (sharing_model / INDEX).write_text(json.dumps({**values, "residual": [None, None]}))
    reseal(sharing_model)
    model = open_model(sharing_model)
    assert "residual" not in model.components and not any(name.startswith("residual/") for name in model.files)
    assert "residual" not in load_pipeline(model, torch.device("cpu")).modules


def reseal(folder: Path) -> None:
    config = AdapterSettings(base="tests", styles=())
    (folder / "manifest.json").unlink()
    seal(folder, kind="pipeline", stage="test", config=config, parents={})


def test_without_the_other_model_it_says_which_is_needed(sharing_model):
    digest = open_model().digest
    shutil.rmtree(lender_of(sharing_model))
    said = rf"doubled draws with the weights of stickers-64 \({digest[:12]}\).*it has no model of that name.*install"
    with pytest.raises(ArtifactError, match=said):
        open_model(sharing_model)


def test_another_model_of_that_name_does_not_do(sharing_model, make_tiny_model):
    shutil.rmtree(lender_of(sharing_model))
    other = open_model(make_tiny_model(lender_of(sharing_model), seed=1)).digest
    with pytest.raises(ArtifactError, match=rf"does not have \(it has stickers-64 \({other[:12]}\)\); install"):
        open_model(sharing_model)


def test_a_damaged_file_of_the_other_model_is_named(sharing_model):
    damage(lender_of(sharing_model) / "transformer" / "model.safetensors")
    named = r"stickers-64/transformer/model.safetensors"
    with pytest.raises(ArtifactError, match=named):
        draw(open_model(sharing_model))
    with pytest.raises(ArtifactError, match=named):
        verify_whole(open_model(sharing_model))
    damage(lender_of(sharing_model) / "transformer" / "config.json")
    with pytest.raises(ArtifactError, match=r"stickers-64/transformer/config.json"):
        open_model(sharing_model)


def test_sharing_with_a_model_that_shares_is_refused(sharing_model, doubled_model, tmp_path):
    with pytest.raises(InputError, match=r"doubled is not a saved model with all of its components"):
        save_sharing(open_model(doubled_model), open_model("doubled"), tmp_path / "out")
    third = shutil.copytree(sharing_model, tmp_path / "third")
    values = json.loads((third / INDEX).read_text())
    shares = {"model": "doubled", "sha256": open_model("doubled").digest}
    (third / INDEX).write_text(json.dumps({**values, "_shares": shares}))
    reseal(third)
    with pytest.raises(ArtifactError, match=r"doubled, which shares its own with stickers-64; .* sharing with"):
        open_model(third)


def test_an_index_that_shares_in_no_known_way_is_refused(sharing_model):
    values = json.loads((sharing_model / INDEX).read_text())
    (sharing_model / INDEX).write_text(json.dumps({**values, "_shares": {"model": "stickers-64", "sha256": "0"}}))
    reseal(sharing_model)
    with pytest.raises(ArtifactError, match=r"_shares.sha256"):
        open_model(sharing_model)


def test_only_a_model_that_comes_along_lends_and_only_what_is_equal(
    sharing_model, doubled_model, tiny_model, make_tiny_model, tmp_path
):
    whole = open_model(doubled_model)
    with pytest.raises(InputError, match=r"tiny does not come with underpaint.*doubled, stickers-64"):
        save_sharing(whole, open_model(tiny_model), tmp_path / "out")
    other = open_model(make_tiny_model(tmp_path / "other", seed=1))
    changed = shared_components(other, open_model())
    assert changed == ("text_tokenizer",)
    shutil.rmtree(tmp_path / "other" / "text_tokenizer")
    with pytest.raises(ArtifactError, match="text_tokenizer"):
        save_sharing(other, open_model(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_script_saves_it(sharing_model, doubled_model, tmp_path, monkeypatch, capsys):
    options = [str(doubled_model), "--like", "stickers-64", "--out", str(tmp_path / "again")]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *options])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert read_manifest(tmp_path / "again").digest == open_model(sharing_model).digest
    assert "3 files" in capsys.readouterr().out


def test_a_style_learned_on_it_finds_the_shared_components(sharing_model, tmp_path):
    base = open_model(sharing_model)
    (tmp_path / "style").mkdir()
    told = {"config": AdapterSettings(base=base.name, styles=("mine",)), "parents": {"model": base.digest}}
    seal(tmp_path / "style", kind="adapter", stage="train", **told)
    style = open_adapted(tmp_path / "style")
    assert style.styles == ("flat", "noto", "mine")
    assert style.part("transformer", "model.safetensors") == base.part("transformer", "model.safetensors")


def test_pictures_edits_and_diffusers_work_from_it(sharing_model):
    generator = underpaint.load("doubled", engine="torch")
    picture = generator.generate("a cat", seed=3)[0]
    (edited,) = generator.edit(picture, "a dog")
    assert picture.size == edited.size == (64, 64) and edited.info["underpaint"].model_sha256 == generator.model.digest
    theirs = UnderpaintPipeline.from_pretrained(sharing_model)
    drawn = theirs("a cat", generator=torch.Generator().manual_seed(3)).images[0]
    assert np.array_equal(np.asarray(drawn), np.asarray(picture))
    theirs.save_pretrained(sharing_model.parent.parent / "saved")
    assert open_model(sharing_model.parent.parent / "saved").digest == generator.model.digest


def test_the_doctor_names_both_and_finds_a_model_that_lacks_the_other(sharing_model):
    values = [finding.value for finding in doctor.model_findings()]
    assert values[0].startswith("doubled, 3 files, ") and values[0].endswith(" beside stickers-64")
    assert values[1].startswith("stickers-64, ") and "beside" not in values[1]
    shutil.rmtree(lender_of(sharing_model))
    found = {finding.value: finding for finding in doctor.model_findings()}
    assert (
        found["doubled is damaged"].state == "broken"
        and "weights of stickers-64" in found["doubled is damaged"].meaning
    )
