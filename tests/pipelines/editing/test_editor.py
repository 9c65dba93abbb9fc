from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

import underpaint
from underpaint.core.errors import ArtifactError, InputError
from underpaint.models.pixels import from_straight, to_straight
from underpaint.pipelines.editing.asking import editor_of
from underpaint.pipelines.editing.editor import Editor
from underpaint.pipelines.editing.graph_editor import GraphEditor
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.planning import kept_scales, plan_edits
from underpaint.pipelines.editing.reading import Original, read_original
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.generator import Generator
from underpaint.pipelines.marks import PUBLIC
from underpaint.pipelines.picture_file import encode, is_unchanged

CAT = EditRequest(prompt="a smiling cat", style="flat", seed=5)


def editor(generator: Generator, original: Original, mask: Mask | None = None) -> Editor:
    return editor_of(generator.model, generator.pipeline, original, mask)


def pixels_of(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def asked(**values: object) -> EditRequest:
    return CAT.model_copy(update=values)


@torch.inference_mode()
def latent_of(generator, original):
    return generator.networks.autoencoder.encode(from_straight(torch.from_numpy(original.pixels)[None]))


def test_strength_one_is_the_picture_of_the_words_and_the_seed(generator, drawing):
    for request in (CAT, asked(style=None, guidance=0.0, seed=6), asked(steps=0, temperature=0.5)):
        (edited,) = generator.edit(drawing, request.model_copy(update={"strength": 1.0}))
        settings = request.model_dump(exclude={"strength", "negative", "mix", "mix_share", "seam"})
        (drawn,) = generator.generate(settings.pop("prompt"), **settings)
        assert np.array_equal(pixels_of(edited), pixels_of(drawn))


def test_a_mask_of_everything_is_no_mask(generator, drawing, box):
    for strength in (0.5, 1.0):
        request = asked(strength=strength)
        (whole,), (masked,) = (
            generator.edit(drawing, one, mask=where)
            for one, where in ((request, None), (request.model_copy(update={"seam": 0}), box(0, 0, 32, 32)))
        )
        assert np.array_equal(pixels_of(whole), pixels_of(masked))


def test_strength_zero_is_the_reconstruction_whatever_the_words(generator, drawing, original):
    pipeline = generator.networks
    with torch.no_grad():
        expected = to_straight(pipeline.autoencoder.decode(latent_of(generator, original)))[0]
    for request in (asked(strength=0.0), EditRequest(strength=0.0, seed=9)):
        (image,) = generator.edit(drawing, request)
        assert np.array_equal(pixels_of(image), expected)


@pytest.mark.parametrize("strength", [0.2, 0.5, 0.8, 1.0])
def test_kept_scales_have_the_picture_s_labels_and_the_others_depend_on_the_seed(
    generator, original, monkeypatch, strength
):
    pipeline = generator.networks
    drawings = []
    draw_tokens = pipeline.draw_tokens
    monkeypatch.setattr(pipeline, "draw_tokens", lambda *a, **k: drawings.append(draw_tokens(*a, **k)) or drawings[-1])
    request = asked(strength=strength, n=2, temperature=3.0)
    list(editor(generator, original).draw(plan_edits(generator.model, original, request)))
    own = pipeline.quantizer(latent_of(generator, original)).labels
    kept = kept_scales(strength, 3)
    for drawing in drawings:
        assert all(map(torch.equal, drawing.labels[:kept], own[:kept]))
        assert not torch.equal(drawing.labels[-1], own[-1])
    assert not torch.equal(drawings[0].labels[-1], drawings[1].labels[-1])


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("seam", [0, 3])
@pytest.mark.parametrize("marked", [None, PUBLIC])
def test_outside_the_mask_every_bit_stays(generator, original, box, strength, seam, marked):
    where = box(6, 10, 22, 31)
    planned = plan_edits(generator.model, original, asked(strength=strength, seam=seam, n=2), where)
    planned = [one.model_copy(update={"watermark": marked}) for one in planned]
    for image in editor(generator, original, where).draw(planned):
        pixels = pixels_of(image)
        assert np.array_equal(pixels[~where.inside], original.pixels[~where.inside])
        assert not np.array_equal(pixels[where.inside], original.pixels[where.inside])


def test_a_seam_changes_the_rim_of_the_mask_alone(generator, drawing, box):
    where = box(6, 8, 26, 28)
    (hard,), (soft,) = (generator.edit(drawing, asked(seam=seam), mask=where) for seam in (0, 2))
    changed = (pixels_of(hard) != pixels_of(soft)).any(axis=-1)
    deep = box(8, 10, 24, 26).inside
    assert changed.any() and not changed[deep].any() and not changed[~where.inside].any()


def test_equal_arguments_give_equal_pixels_and_other_seeds_others(generator, drawing, box):
    where = box(6, 8, 26, 28)
    for mask in (None, where):
        first, second, third = generator.edit(drawing, asked(n=3), mask=mask)
        assert np.array_equal(pixels_of(first), pixels_of(generator.edit(drawing, CAT, mask=mask)[0]))
        (alone,) = generator.edit(drawing, asked(seed=7), mask=mask)
        assert np.array_equal(pixels_of(alone), pixels_of(third))
        assert not np.array_equal(pixels_of(first), pixels_of(second))


def test_every_wish_changes_the_picture(generator, drawing):
    base = asked(strength=0.6, guidance=4.0)
    plain = pixels_of(generator.edit(drawing, base)[0])
    changes = [
        *({"style": "noto"}, {"prompt": "a dog"}, {"prompt": None}, {"negative": "a red apple"}, {"strength": 1.0}),
        *({"mix": "a green dog with sunglasses"}, {"guidance": 0.0}, {"temperature": 2.0}, {"steps": 1}),
    ]
    for change in changes:
        other = generator.edit(drawing, base.model_copy(update=change))[0]
        assert not np.array_equal(pixels_of(other), plain), change


def test_a_mix_of_nothing_is_the_first_prompt_and_of_all_the_second(generator, drawing):
    dog = asked(prompt="a dog with sunglasses")
    for share, alone in ((0.0, CAT), (1.0, dog)):
        (mixed,) = generator.edit(drawing, asked(mix="a dog with sunglasses", mix_share=share))
        assert np.array_equal(pixels_of(mixed), pixels_of(generator.edit(drawing, alone)[0]))


def test_drawing_away_from_the_prompt_itself_is_drawing_without_guidance(generator, drawing):
    base = asked(style=None)
    (against,) = generator.edit(drawing, base.model_copy(update={"negative": "a smiling cat", "guidance": 0.5}))
    (unguided,) = generator.edit(drawing, base.model_copy(update={"guidance": 0.0}))
    assert np.abs(pixels_of(against).astype(int) - pixels_of(unguided)).max() <= 1


def test_pictures_of_any_size_are_edited_in_the_model_s(generator, drawing, box):
    large = drawing.resize((100, 50), Image.Resampling.NEAREST)
    mask = Image.new("RGBA", (100, 50), "white")
    mask.paste((0, 0, 0, 0), (50, 0, 100, 50))
    (image,) = generator.edit(encode_plain(large), CAT, mask=mask)
    assert image.size == (32, 32)
    expected = read_original(large, 32).pixels
    assert np.array_equal(pixels_of(image)[:, :16], expected[:, :16])
    assert not pixels_of(image)[:8].any() and not pixels_of(image)[24:].any()


def encode_plain(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_an_edit_travels_with_its_settings_and_is_drawn_again_from_them(generator, drawing, original, box):
    where = box(6, 8, 26, 28)
    (image,) = generator.edit(drawing, asked(negative="a dog"), mask=where)
    again = read_original(encode(image), 32)
    assert again.settings is not None
    assert again.settings == image.info["underpaint"] and again.sha256 == again.settings.pixel_sha256
    (same,) = editor(generator, original, where).draw([again.settings])
    assert is_unchanged(same) and np.array_equal(pixels_of(same), pixels_of(image))


def test_an_edit_can_be_edited(generator, drawing):
    (first,) = generator.edit(drawing, CAT)
    (second,) = generator.edit(first)
    assert second.info["underpaint"].caption == "a smiling cat"
    assert second.info["underpaint"].edit.picture_sha256 == first.info["underpaint"].pixel_sha256


def test_settings_of_another_picture_mask_model_or_of_no_edit_are_refused(generator, drawing, original, box):
    (settings,) = plan_edits(generator.model, original, CAT)
    other = read_original(drawing.rotate(90), 32)
    with pytest.raises(InputError, match="an edit with another picture"):
        next(editor(generator, other).draw([settings]))
    with pytest.raises(InputError, match="an edit with another mask"):
        next(editor(generator, original, box(0, 0, 9, 9)).draw([settings]))
    with pytest.raises(ArtifactError, match="was drawn by"):
        next(editor(generator, original).draw([settings.model_copy(update={"model_sha256": "0" * 64})]))
    plain = generator.generate("a cat", seed=1)[0].info["underpaint"]
    with pytest.raises(InputError, match="drawn from words alone"):
        next(editor(generator, original).draw([plain]))
    with pytest.raises(InputError, match="needs the picture that was edited"):
        next(generator.draw([settings]))


def test_a_graph_that_only_draws_does_not_edit(drawing):
    graph = underpaint.load("stickers-64-onnx-int8")
    with pytest.raises(InputError, match=r"drawn by a graph here.*engine='torch'"):
        graph.edit(drawing, "a cat")


def test_the_shipped_graph_edits_as_torch_does_and_is_loaded_once(drawing, box):
    graph, networks = underpaint.load(engine="onnx"), underpaint.load(engine="torch")
    mask = box(0, 0, 20, 32)
    for request in (CAT, EditRequest(prompt="a dog", negative="a cat", seed=3)):
        ours, theirs = (pixels_of(one.edit(drawing, request, mask=None)[0]) for one in (graph, networks))
        seen = theirs[..., 3] > 0
        assert np.abs(ours.astype(int) - theirs.astype(int))[seen].max() <= 1
    first, second = (editor(graph, read_original(drawing, 64), one) for one in (None, mask))
    assert isinstance(first, GraphEditor) and isinstance(second, GraphEditor) and first._graph is second._graph


def test_without_a_refiner_kept_cells_are_still_the_picture_s(make_tiny_model, tmp_path, drawing, original):
    generator = underpaint.load(make_tiny_model(tmp_path / "plain", refined=False), engine="torch")
    inside = np.zeros((32, 32), dtype=bool)
    inside[:, :8] = True
    (image,) = generator.edit(drawing, CAT, mask=Mask(inside=inside))
    assert np.array_equal(pixels_of(image)[:, 8:], original.pixels[:, 8:])
