"""Every recipe builds, and its parts fit each other."""

from __future__ import annotations

import pytest

from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.learning.config import LoopConfig
from underpaint.models.evaluator import Evaluator, EvaluatorConfig
from underpaint.models.quantizer import MultiScaleQuantizer, QuantizerConfig
from underpaint.models.residual import ResidualConfig, ResidualRefiner
from underpaint.models.transformer import ScaleTransformer, TransformerConfig
from underpaint.pipelines.hybrid_config import HybridConfig
from underpaint.recipes.evaluator_64 import evaluator
from underpaint.recipes.sticker_64 import nano
from underpaint.recipes.table import RECIPES
from underpaint.stages.train.conditions import STYLES
from underpaint.stages.train.config import LatentsEncoding, TokenizerTraining
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.recipe import HybridRecipe, Sampling

HYBRID = [name for name, make in RECIPES.items() if isinstance(make(), HybridRecipe)]


@pytest.fixture(params=HYBRID)
def recipe(request: pytest.FixtureRequest) -> HybridRecipe:
    made = RECIPES[request.param]()
    assert isinstance(made, HybridRecipe)
    return made


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_the_same_each_time_and_survives_json(name: str) -> None:
    recipe = RECIPES[name]()
    again = type(recipe).parse(recipe.model_dump(mode="json"), source="again")
    assert again == recipe == RECIPES[name]() and again.digest() == recipe.digest()


def test_recipes_differ() -> None:
    assert len({make().digest() for make in RECIPES.values()}) == len(RECIPES)


def test_every_recipe_says_in_one_line_what_it_is() -> None:
    assert all((make.__doc__ or "").strip().splitlines()[0].endswith(".") for make in RECIPES.values())


def test_the_networks_of_a_recipe_can_be_built(recipe: HybridRecipe) -> None:
    settings, tokens = recipe.generator, recipe.tokenizer
    quantizer = MultiScaleQuantizer(
        QuantizerConfig(
            schedule=tokens.schedule,
            kind=tokens.kind,
            latent_channels=tokens.latent_channels,
            codebook_size=tokens.codebook_size,
        )
    )
    transformer = ScaleTransformer(
        TransformerConfig(
            schedule=tokens.schedule,
            n_logits=quantizer.codes.n_logits,
            width=settings.width,
            depth=settings.depth,
            heads=settings.heads,
            num_styles=4,
        )
    )
    refiner = ResidualRefiner(
        ResidualConfig(width=settings.residual_width, depth=settings.residual_depth, hidden_width=settings.width)
    )
    assert sum(p.numel() for net in (quantizer, transformer, refiner) for p in net.parameters()) > 0


def test_sampling_has_one_entry_a_scale_and_the_schedule_ends_at_the_picture(recipe: HybridRecipe) -> None:
    values = recipe.model_dump(mode="json")
    short = {**values, "sampling": {**values["sampling"], "temperatures": [1.0]}}
    with pytest.raises(InputError, match="one temperature for each of"):
        HybridRecipe.parse(short, source="recipe")
    with pytest.raises(InputError, match="schedule must end at 24"):
        HybridRecipe.parse({**values, "image_size": 192}, source="recipe")
    if recipe.tokenizer.fixed_autoencoder:
        still = {**values, "generator": {**values["generator"], "trains": "refiner"}}
        with pytest.raises(InputError, match="need a generator that learns them"):
            HybridRecipe.parse(still, source="recipe")
        return
    without = {**values, "generator": {**values["generator"], "trains": "tokens"}}
    with pytest.raises(InputError, match="has no refiner"):
        HybridRecipe.parse({**without, "sampling": {**values["sampling"], "residual_steps": 2}}, source="recipe")


def test_an_evaluator_of_another_seed_or_fold_is_another_one() -> None:
    digests = {
        evaluator(seed, folds, fold).digest() for seed, folds, fold in ((0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 2, 1))
    }
    assert len(digests) == 4


def test_the_evaluator_is_small() -> None:
    recipe = evaluator()
    config = EvaluatorConfig(
        widths=recipe.widths,
        depths=recipe.depths,
        dim=recipe.dim,
        vocab_size=8,
        text_width=recipe.text_width,
        text_depth=recipe.text_depth,
        classes={"concept": tuple(map(str, range(1247)))},
    )
    assert sum(p.numel() for p in Evaluator(config).parameters()) < 1_500_000


OUT_OF_RANGE: list[tuple[type[Config], dict[str, object], str]] = [
    (LoopConfig, {"steps": 0}, "steps"),
    (LoopConfig, {"steps": 1, "batch_size": 0}, "batch_size"),
    (LoopConfig, {"steps": 1, "lr": 0.0}, "lr"),
    (LoopConfig, {"steps": 1, "betas": (0.9, 1.0)}, "betas"),
    (LoopConfig, {"steps": 1, "validate_every": 0}, "validate_every"),
    (LatentsEncoding, {"variants": 0}, "variants"),
    (EvaluatorRecipe, {"loop": {"steps": 1}, "folds": 2, "fold": 2}, "fold must lie below folds = 2"),
    (EvaluatorRecipe, {"loop": {"steps": 1}, "image_size": 60}, "image_size"),
    (EvaluatorRecipe, {"loop": {"steps": 1}, "held_out": 0.0}, "held_out"),
    (TokenizerTraining, {"loop": {"steps": 100}, "continuous_steps": 71}, r"joint_share \* steps = 70"),
    (TokenizerTraining, {"loop": {"steps": 1000}, "schedule": ()}, "schedule"),
    (
        Sampling,
        {"guidance": 1, "guidance_shape": (), "temperatures": (), "top_p": 0, "residual_steps": 0},
        "top_p",
    ),
    (
        Sampling,
        {"guidance": 1, "guidance_shape": (), "temperatures": (), "top_p": (0.9, 1.1), "residual_steps": 0},
        "top_p",
    ),
]


def test_top_p_is_one_number_or_one_a_scale_and_reaches_the_pipeline_so() -> None:
    recipe = nano()
    values = (1.0, 1.0, 0.95, 0.95, 0.9, 0.8)
    by_scale = recipe.model_copy(update={"sampling": recipe.sampling.model_copy(update={"top_p": values})})
    parsed = HybridRecipe.parse(by_scale.model_dump(mode="json"), source="settings")
    assert parsed == by_scale
    pipeline = HybridConfig(styles=STYLES, **parsed.sampling.model_dump())
    assert tuple(map(pipeline.top_p_at, range(6))) == values
    short = by_scale.model_dump(mode="json")
    short["sampling"]["top_p"] = [0.9, 0.8]
    with pytest.raises(InputError, match="top_p must be one number or one for each of 6 scales"):
        HybridRecipe.parse(short, source="settings")


@pytest.mark.parametrize(("kind", "values", "message"), OUT_OF_RANGE)
def test_settings_out_of_range_are_refused(kind: type[Config], values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        kind.parse(values, source="settings")
