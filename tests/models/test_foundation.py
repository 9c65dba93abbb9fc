"""CLIP and DINOv2 against transformers' own processors and models, on tiny networks saved to a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from underpaint.adapters import pretrained
from underpaint.adapters.clip import load_clip
from underpaint.adapters.pretrained import find_pretrained
from underpaint.core.errors import ArtifactError, InputError
from underpaint.models.extractor import Extractor
from underpaint.models.foundation import CMMD_NAME, clip_extractor, dinov2_extractor, is_cmmd
from underpaint.runtime.rng import normal

RNG = np.random.default_rng(0)
CAPTIONS = ["a cat", "a cat and a cat and a cat"]


def refill(model: torch.nn.Module) -> None:
    """Give every weight a number that depends on its name only."""
    state = {}
    for name, value in model.state_dict().items():
        noise = torch.from_numpy(normal(0, name, tuple(value.shape)))
        state[name] = (
            (noise * 0.1 + ("norm" in name and name.endswith("weight"))) if value.is_floating_point() else value
        )
    model.load_state_dict(state)


def save_clip(folder: Path) -> Path:
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    words = {"vocab_size": 50, "max_position_embeddings": 12, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = transformers.CLIPConfig(
        text_config={**tower, **words}, vision_config={**tower, "image_size": 28, "patch_size": 7}, projection_dim=8
    )
    model = transformers.CLIPModel(config)
    refill(model)
    model.save_pretrained(folder)
    letters = [*"acdnt", *(f"{letter}</w>" for letter in "acdnt"), "an", "and</w>", "ca", "cat</w>"]
    vocabulary = {token: i for i, token in enumerate(["<|startoftext|>", "<|endoftext|>", *letters])}
    merges: Any = [("a", "n"), ("an", "d</w>"), ("c", "a"), ("ca", "t</w>")]
    CLIPTokenizer(vocab=vocabulary, merges=merges).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
    return folder


def save_dinov2(folder: Path, **changes: Any) -> Path:
    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=70, patch_size=7
    )
    model = transformers.Dinov2Model(config)
    refill(model)
    model.save_pretrained(folder)
    settings = {"size": {"shortest_edge": 36}, "crop_size": {"height": 28, "width": 28}, "resample": 3}
    settings |= {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | changes))
    return folder


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def dinov2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_dinov2(tmp_path_factory.mktemp("dinov2"))


def pictures(count: int = 3) -> list[np.ndarray]:
    made = [RNG.integers(0, 256, (40 + 9 * i, 64, 4), dtype=np.uint8) for i in range(count)]
    for picture in made:
        picture[..., 3] = 255
    return made


def rgb(pixels: list[np.ndarray]) -> list[Image.Image]:
    return [Image.fromarray(picture).convert("RGB") for picture in pixels]


def test_clip_is_what_transformers_computes(clip_folder: Path) -> None:
    pixels, extractor = pictures(), clip_extractor(str(clip_folder))
    model = transformers.CLIPModel.from_pretrained(clip_folder)
    inputs = CLIPImageProcessorPil.from_pretrained(clip_folder)(rgb(pixels), return_tensors="pt")
    words = CLIPTokenizer.from_pretrained(clip_folder)(
        CAPTIONS, padding=True, truncation=True, max_length=12, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = model(**inputs, input_ids=words["input_ids"], attention_mask=words["attention_mask"])
    np.testing.assert_allclose(extractor.extract(pixels).features, expected.image_embeds, atol=2e-6)
    np.testing.assert_allclose(extractor.text_features(CAPTIONS), expected.text_embeds, atol=2e-6)
    cosine = extractor.extract(pixels).features @ extractor.text_features(CAPTIONS).T
    np.testing.assert_allclose(cosine * model.logit_scale.exp().item(), expected.logits_per_image, atol=2e-5)


def test_dinov2_is_what_transformers_computes(dinov2_folder: Path) -> None:
    pixels, extractor = pictures(), dinov2_extractor(str(dinov2_folder))
    model = transformers.Dinov2Model.from_pretrained(dinov2_folder)
    inputs = BitImageProcessorPil.from_pretrained(dinov2_folder)(rgb(pixels), return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).pooler_output
    np.testing.assert_allclose(extractor.extract(pixels).features, expected, atol=2e-6)


@pytest.mark.parametrize("kind", [clip_extractor, dinov2_extractor])
def test_features_do_not_depend_on_the_batch(kind: Any, clip_folder: Path, dinov2_folder: Path) -> None:
    extractor: Extractor = kind(str(clip_folder if kind is clip_extractor else dinov2_folder))
    pixels = pictures(7)
    whole = extractor.extract(pixels).features
    alone = np.concatenate([extractor.extract([picture]).features for picture in pixels])
    assert np.abs(whole - alone).max() <= 1e-6 * np.abs(whole).max()


def test_captions_do_not_depend_on_their_batch_or_case(clip_folder: Path) -> None:
    extractor = clip_extractor(str(clip_folder))
    together = extractor.text_features(CAPTIONS)
    np.testing.assert_allclose(together[:1], extractor.text_features(["A  cat"]), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, rtol=1e-6)


def test_the_same_weights_elsewhere_have_the_same_identity(clip_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(clip_folder, tmp_path / "copy")
    card, copy = (clip_extractor(str(folder)).card for folder in (clip_folder, tmp_path / "copy"))
    assert card.identity == copy.identity
    assert card.name == "clip-vit-w16d2-7-28"
    assert card.unit_norm and card.task == "dual_encoder"
    assert not is_cmmd(card)
    assert is_cmmd(card.model_copy(update={"name": CMMD_NAME}))


def test_cards_say_how_pictures_are_prepared(dinov2_folder: Path, tmp_path: Path) -> None:
    spec = dinov2_extractor(str(dinov2_folder)).card.input
    assert (spec.size, spec.resize.edge, spec.resize.filter, spec.resize.antialias) == (28, 36, "bicubic", True)
    other = dinov2_extractor(str(save_dinov2(tmp_path, resample=2))).card
    assert other.input.resize.filter == "bilinear"
    assert other.identity != dinov2_extractor(str(dinov2_folder)).card.identity


def test_weights_that_are_missing_are_not_made_up(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    weights.pop("visual_projection.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ArtifactError, match=r"lacks 1 weights, the first visual_projection\.weight"):
        clip_extractor(str(folder))


def test_a_cut_file_is_refused(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "copy")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        clip_extractor(str(folder))


def test_a_pickle_is_not_opened(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "copy")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ArtifactError, match=r"pytorch_model\.bin is a pickle.*save_pretrained"):
        clip_extractor(str(folder))


def test_another_kind_of_network_is_refused(dinov2_folder: Path, clip_folder: Path) -> None:
    with pytest.raises(ArtifactError, match="kind 'dinov2'; needed is clip"):
        clip_extractor(str(dinov2_folder))
    with pytest.raises(ArtifactError, match="kind 'clip'"):
        dinov2_extractor(str(clip_folder))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"do_resize": False}, "do_resize = false"),
        ({"resample": 0}, "resample = 0"),
        ({"size": {"height": 20, "width": 30}}, "one length"),
        ({"size": {"shortest_edge": 20}}, "size = 20"),
        ({"crop_size": 25, "size": 30}, "patches of 7"),
    ],
)
def test_preparation_that_is_not_supported_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=message):
        dinov2_extractor(str(save_dinov2(tmp_path, **changes)))


def test_a_clip_without_a_tokenizer_is_refused(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "copy")
    for name in ("tokenizer.json", "vocab.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(ArtifactError, match="neither tokenizer"):
        load_clip(str(folder), torch.device("cpu"))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"config\.json cannot be read"):
        clip_extractor(str(tmp_path))


def test_a_name_that_is_neither_folder_nor_repository_is_refused() -> None:
    with pytest.raises(InputError, match="neither a folder nor a repository"):
        find_pretrained("no such place")


def test_a_hub_out_of_reach_is_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline mode makes the hub's own library fail as it does without a network and without a cache."""
    import huggingface_hub

    def offline(repo: str, **settings: Any) -> str:
        return fetch(repo, cache_dir=tmp_path, local_files_only=True, **settings)

    fetch = huggingface_hub.snapshot_download
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(ArtifactError, match=r"fetching it from the hub failed.*hf download owner/name --local-dir"):
        find_pretrained("owner/name@refs/pr/1")


def test_nothing_is_printed(clip_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clip_extractor(str(clip_folder)).text_features(CAPTIONS)
    assert capfd.readouterr() == ("", "")
    assert pretrained.require("transformers.utils.logging", extra="evaluate").is_progress_bar_enabled()
