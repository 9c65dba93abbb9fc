from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import underpaint
from underpaint.core.errors import ArtifactError, InputError
from underpaint.core.progress import Progress
from underpaint.pipelines.finishing import flatten
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.picture_file import is_unchanged
from underpaint.runtime.device import threads


@pytest.fixture(scope="module")
def generator(tiny_model) -> Generator:
    return underpaint.load(tiny_model)


def pixels(images: list[Image.Image]) -> list[bytes]:
    return [image.tobytes() for image in images]


def test_a_picture_is_the_same_alone_and_in_a_batch(generator):
    together = generator.generate(["a red apple", "a cat with sunglasses", "a dog"], seed=7, n=3, style="flat")
    assert len(together) == 9 and len({image.tobytes() for image in together}) == 9
    for image in together:
        settings = image.info["underpaint"]
        (alone,) = generator.generate(settings.prompt, seed=settings.seed, style="flat")
        assert alone.tobytes() == image.tobytes()
        assert alone.info["underpaint"] == settings


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_batch_size_changes_no_picture(generator, batch_size):
    images = generator.generate("a cat", seed=1, n=5)
    again = list(generator.draw([image.info["underpaint"] for image in images], batch_size=batch_size))
    assert pixels(again) == pixels(images)


def test_twice_is_the_same_whatever_torch_has_drawn_in_between(generator, tiny_model):
    first = generator.generate("a cat", seed=3)
    torch.rand(7)
    np.random.default_rng(0).random(7)
    assert pixels(generator.generate("a cat", seed=3)) == pixels(first)
    assert pixels(underpaint.load(tiny_model).generate("a cat", seed=3)) == pixels(first)


def test_prompt_style_seed_guidance_temperature_and_steps_all_matter(generator):
    variants = [
        {},
        {"prompt": "a dog"},
        {"style": "flat"},
        {"style": "noto"},
        {"seed": 40},
        {"guidance": 9.0},
        {"temperature": 0.0},
        {"steps": 0},
    ]
    drawn = {
        tuple(pixels(generator.generate(**{"prompt": "a cat", "seed": 30, "n": 8, **variant}))) for variant in variants
    }
    assert len(drawn) == len(variants)


def test_defaults_are_recorded_and_equal_to_what_they_stand_for(generator):
    (image,) = generator.generate("a cat", seed=3)
    settings = image.info["underpaint"]
    (explicit,) = generator.generate("a cat", seed=3, guidance=1.5, temperature=1.0, steps=2)
    assert (settings.guidance, settings.temperature, settings.steps) == (1.5, 1.0, 2)
    assert explicit.tobytes() == image.tobytes() and explicit.info["underpaint"] == settings


def test_a_random_seed_is_recorded_and_draws_the_picture_again(generator):
    first, second = generator.generate(["a cat", "a cat"])
    assert first.info["underpaint"].seed != second.info["underpaint"].seed
    (again,) = generator.generate("a cat", seed=first.info["underpaint"].seed)
    assert again.tobytes() == first.tobytes()


def test_images_carry_their_settings_and_digest(generator):
    (image,) = generator.generate("A Cat!", seed=3)
    assert image.mode == "RGBA" and image.size == (32, 32)
    assert image.info["underpaint"].caption == "a cat!" and '"A Cat!"' in image.info["parameters"]
    assert is_unchanged(image)


def test_a_background_is_flattened_exactly(generator):
    (clear,) = generator.generate("a cat", seed=3)
    (flat,) = generator.generate("a cat", seed=3, background="#ff8000")
    assert flat.mode == "RGB" and flat.info["underpaint"].background == "#ff8000"
    levels = np.asarray(clear).astype(np.float64)
    alpha = levels[..., 3:] / 255
    expected = levels[..., :3] * alpha + np.array([255, 128, 0]) * (1 - alpha)
    np.testing.assert_allclose(np.asarray(flat), expected, atol=0.5 + 1e-9)


def test_opaque_and_empty_pixels_flatten_to_color_and_background():
    levels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], dtype=np.uint8)
    assert flatten(levels, "#ffcc00").tolist() == [[[10, 20, 30], [255, 204, 0]]]


def test_progress_counts_the_pictures(generator):
    reports: list[Progress] = []
    generator.generate(["a cat", "a dog"], seed=0, n=2, report=reports.append)
    assert [(report.done, report.total) for report in reports] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_no_prompts_give_no_pictures(generator):
    assert generator.generate([]) == []


def test_a_prompt_that_is_no_string_is_refused(generator):
    with pytest.raises(InputError, match="must be a string, got int"):
        generator.generate(["a cat", 5])
    with pytest.raises(InputError, match="must be a string, got bytes"):
        generator.generate([b"a cat"])


def test_settings_of_another_model_are_refused(generator):
    settings = generator.generate("a cat", seed=0)[0].info["underpaint"]
    other = settings.model_copy(update={"model_sha256": "0" * 64, "model": "other"})
    with pytest.raises(ArtifactError, match="drawn by other"):
        list(generator.draw([other]))


def test_a_batch_size_below_one_is_refused(generator):
    with pytest.raises(InputError, match="at least 1"):
        list(generator.draw([], batch_size=0))


def test_every_stage_of_a_draw_is_announced(generator):
    settings = generator.generate("a cat", seed=0)[0].info["underpaint"]
    stages: list[str] = []
    list(generator.draw([settings], on_stage=stages.append))
    assert stages == ["text", "transformer", "residual", "decoder"]


def test_the_unread_end_of_a_long_prompt_is_known(generator):
    assert generator.unread("a cat") == ""
    assert generator.unread("cat " * 24 + "and a dog") == "and a dog"


def test_the_public_names_load_lazily():
    assert {"load", "save", "__version__"} <= set(dir(underpaint))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        underpaint.lode  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_the_number_of_threads_of_the_process_changes_no_pixel(tiny_model):
    generator = underpaint.load(tiny_model)
    drawn = []
    for count in (1, 2):
        with threads(count):
            drawn.append([image.tobytes() for image in generator.generate("a red heart", n=4, seed=3)])
            assert torch.get_num_threads() == count
    assert drawn[0] == drawn[1]


def test_a_seed_of_any_integer_type_is_that_seed(tiny_model):
    generator = underpaint.load(tiny_model)
    (plain,), (numpy_made,) = generator.generate("a cat", seed=7), generator.generate("a cat", seed=np.int64(7))  # pyright: ignore[reportArgumentType]
    assert plain.tobytes() == numpy_made.tobytes()
    assert numpy_made.info["underpaint"].seed == 7
