from __future__ import annotations

from dataclasses import replace

import pytest

from underpaint.core.errors import InputError, PromptError
from underpaint.pipelines.model_folder import Model, open_model
from underpaint.pipelines.planning import Options, normalize_background, plan, random_seed
from underpaint.pipelines.prompts import PromptRow
from underpaint.pipelines.settings import SEED_MAX


@pytest.fixture
def model(tiny_model) -> Model:
    return open_model(tiny_model)


def row(prompt: str = "a cat", **values: object) -> PromptRow:
    return PromptRow.parse({"prompt": prompt, **values}, source="test")


def seeds(model: Model, rows: list[PromptRow], options: Options, first_seed: int | None = None) -> list[int]:
    return [settings.seed for settings in plan(model, rows, options, first_seed=first_seed)]


def test_settings_are_complete_before_anything_is_drawn(model):
    (settings,) = plan(model, [row("A  smiling Cat!")], Options(seed=7, style="FLAT", background="White"))
    assert settings.prompt == "A  smiling Cat!" and settings.caption == "a smiling cat!"
    assert (settings.style, settings.seed, settings.background) == ("flat", 7, "#ffffff")
    assert (settings.guidance, settings.temperature, settings.steps, settings.size) == (1.5, 1.0, 2, "32x32")
    assert (settings.model, settings.model_sha256) == ("tiny", model.digest)


def test_where_no_scale_is_guided_no_guidance_is_planned_unless_it_is_asked_for(model):
    sampling = {**model.index.sampling, "guidance_shape": (0.0, 0.0, 0.0)}
    unguided = replace(model, index=model.index.model_copy(update={"sampling": sampling}))
    assert [plan(one, [row()], Options(seed=7))[0].guidance for one in (model, unguided)] == [1.5, None]
    assert plan(unguided, [row()], Options(seed=7, guidance=2.0))[0].guidance == 2.0


def test_the_seed_counts_up_within_a_prompt(model):
    assert seeds(model, [row(), row("a dog")], Options(seed=7, n=3)) == [7, 8, 9, 7, 8, 9]


def test_a_row_has_the_last_word(model):
    rows = [row(seed=100, n=2, style="noto"), row()]
    planned = plan(model, rows, Options(seed=7, style="flat"))
    assert [(s.seed, s.style) for s in planned] == [(100, "noto"), (101, "noto"), (7, "flat")]


def test_a_repeated_prompt_goes_on_where_it_stopped(model):
    rows = [row(n=2), row("A CAT"), row(style="flat"), row()]
    assert seeds(model, rows, Options(), first_seed=0) == [0, 1, 2, 0, 3]


def test_without_any_seed_every_prompt_gets_a_random_one(model):
    drawn = seeds(model, [row(), row(), row("a dog")], Options())
    assert len(set(drawn)) == 3 and all(0 <= seed < 2**32 for seed in drawn)
    assert random_seed() != random_seed()


@pytest.mark.parametrize(("seed", "n"), [(-1, 1), (SEED_MAX + 1, 1), (SEED_MAX, 2)])
def test_a_seed_out_of_range_is_refused(model, seed, n):
    with pytest.raises(InputError, match="seed"):
        plan(model, [row()], Options(seed=seed, n=n))


def test_the_last_seed_is_allowed(model):
    assert seeds(model, [row()], Options(seed=SEED_MAX - 1, n=2)) == [SEED_MAX - 1, SEED_MAX]


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_a_number_of_pictures_out_of_range_is_refused(model, n):
    with pytest.raises(InputError, match=f"n must be a whole number between 1 and 1000, got {n}"):
        plan(model, [row()], Options(n=n))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(guidance=-1.0), "^guidance must lie between 0 and 20, got -1$"),
        (Options(guidance=float("nan")), "^guidance must lie between 0 and 20, got nan$"),
        (Options(guidance=float("inf")), "^guidance must lie between 0 and 20, got inf$"),
        (Options(temperature=99.0), "^temperature must lie between 0 and 10, got 99$"),
        (Options(steps=-1), "^steps must be a whole number between 0 and 1000, got -1$"),
        (Options(background="#12"), "^unknown background '#12'; "),
    ],
)
def test_an_option_out_of_range_is_refused(model, options, message):
    with pytest.raises(InputError, match=message):
        plan(model, [row()], options)


def test_all_mistakes_of_a_call_are_listed_once(model):
    wrong = Options(guidance=30.0, style="nota", steps=-1, n=0, seed=-1, background="puce", temperature=11.0)
    with pytest.raises(InputError) as caught:
        plan(model, [row("قطة"), row("a cat")], wrong)
    assert len(str(caught.value).splitlines()) == 1 + 8


def test_a_number_may_have_another_name(model):
    with pytest.raises(InputError, match=r"^--guidance must lie between 0 and 20, got 30$"):
        plan(model, [row()], Options(guidance=30.0), called=lambda name: f"--{name}")


def test_an_unknown_style_lists_the_styles_and_the_nearest(model):
    with pytest.raises(InputError, match=r"did you mean 'noto'\? tiny draws flat, noto"):
        plan(model, [row()], Options(style="nota"))


def test_steps_need_a_refiner(make_tiny_model, tmp_path):
    model = open_model(make_tiny_model(tmp_path / "plain", refined=False))
    with pytest.raises(InputError, match="draws without a diffusion part, so it takes no steps"):
        plan(model, [row()], Options(steps=2))
    assert plan(model, [row()], Options())[0].steps is None


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("   ", "empty"),
        ("x" * 10_000, "10,000 characters"),
        ("a\0cat", "NUL character at position 2"),
        ("قطة", "U\\+0642"),
        ("a \ud800 cat", "surrogate"),
    ],
)
def test_a_bad_prompt_is_a_prompt_error(model, prompt, message):
    with pytest.raises(PromptError, match=message):
        plan(model, [PromptRow.model_construct(prompt=prompt)], Options())


def test_mistakes_of_a_file_are_all_listed_with_their_rows(model):
    rows = [row(source="f, row 1"), row("قطة", source="f, row 2"), row(style="x", source="f, row 3")]
    with pytest.raises(InputError, match=r"2 mistakes:\n  f, row 2: .*\n  f, row 3: unknown style"):
        plan(model, rows, Options())


@pytest.mark.parametrize(
    ("given", "meant"),
    [("transparent", "transparent"), (" White", "#ffffff"), ("black", "#000000"), ("#FfCc00", "#ffcc00")],
)
def test_backgrounds_have_one_spelling(given, meant):
    assert normalize_background(given) == meant
    assert normalize_background(meant) == meant


@pytest.mark.parametrize("given", ["", "#", "#fff", "#gggggg", "ffcc00", "#ffcc001", "puce", "#ffcc0\n"])
def test_what_is_no_color_is_refused(given):
    with pytest.raises(InputError, match="unknown background"):
        normalize_background(given)
