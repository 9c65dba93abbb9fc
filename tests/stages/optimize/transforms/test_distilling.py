"""Distillation: refusals, laws of the student, learning that helps, goes on, and is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import underpaint
from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress
from underpaint.learning.config import LoopConfig
from underpaint.models.flow_transformer import FlowTransformer
from underpaint.pipelines.flow import FlowPipeline
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.optimizing.distilled import DistilledGuidance, DistilledSteps
from underpaint.pipelines.saved import save_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.slots import part_of, with_part, with_settings
from underpaint.stages.optimize.distillation import (
    Distillation,
    GuidanceDistillation,
    StepDistillation,
    guided_teacher,
    with_step_lengths,
)
from underpaint.stages.optimize.saving import save_optimized
from underpaint.stages.optimize.transforms.apply import Applied, apply
from underpaint.stages.optimize.transforms.checking import arranged, step_of
from underpaint.stages.optimize.transforms.distilling import _own_weights
from underpaint.stages.optimize.transforms.transform import Context

Ask = Callable[..., Any]
PROMPTS = ["a red cat", "a dog", "a smiling cat", "red dog", "a cat", "a red dog", "smiling dog", "the apple"]
LOOP = LoopConfig(steps=1, batch_size=8, warmup=2, lr=1e-3, average_decay=0.5, save_every=5, validate_every=50)


class Made(Config):
    by: str = "the tests"


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def with_constant(pipeline: FlowPipeline) -> FlowPipeline:
    """A teacher that is exact in one step: wherever it is asked, its answer is the same picture."""
    network = FlowTransformer(pipeline.flow_transformer.config)
    network.load_state_dict(pipeline.flow_transformer.state_dict())
    with torch.no_grad():
        network.out.weight.zero_()
        network.out.bias.copy_(torch.linspace(-1.0, 1.0, len(network.out.bias)))
    return with_part(pipeline, "denoiser", network.eval())


def trainee_of(pipeline: FlowPipeline, params: DistilledSteps | DistilledGuidance, size: int = 6) -> Distillation:
    network = pipeline.flow_transformer
    if isinstance(params, DistilledSteps):
        return StepDistillation(pipeline, with_step_lengths(network), PROMPTS, params, size)
    return GuidanceDistillation(pipeline, _own_weights(network), PROMPTS, params, size)


def error_of(trainee: Distillation) -> float:
    """Return the error on a batch of the teacher's pictures."""
    with torch.no_grad():
        return float(trainee.error(trainee.draw(PROMPTS, 6, generator()), generator(1)))


@pytest.mark.parametrize(
    ("pipeline", "name", "slot", "params", "code", "remedy"),
    [
        ("gan", "distill.steps", "generator", {}, "distill.one_pass", "leave it out"),
        ("gan", "distill.guidance", "generator", {}, "distill.one_pass", "leave it out"),
        ("few-step", "distill.steps", "denoiser", {}, "distill.twice", "the model that it was made from"),
        ("few-step", "distill.guidance", "denoiser", {}, "distill.twice", "the model that it was made from"),
        ("hybrid", "distill.steps", "transformer", {}, "distill.no_rule", "guidance.span"),
        ("sd", "distill.steps", "denoiser", {}, "distill.no_rule", "steps.solver"),
        ("sd3", "distill.guidance", "denoiser", {}, "distill.no_rule", "steps.count"),
        ("flow", "distill.guidance", "denoiser", {"guidance": 0.0}, "distill.no_guidance", "above 0"),
        ("flow", "distill.steps", "denoiser", {"finest": 6}, "recipe.unknown_param", "finest"),
        ("flow", "distill.steps", "denoiser", {"steps": 3}, "recipe.unknown_param", "steps"),
        ("flow", "distill.steps", "sampler", {}, "recipe.slot", "denoiser"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(
    refusal: Ask, pipeline: str, name: str, slot: str, params: dict[str, Any], code: str, remedy: str
) -> None:
    found = refusal(pipeline, name, slot, **params)
    assert found is not None and found.code == code and remedy in found.remedy


def test_what_has_taken_guidance_in_is_neither_guided_nor_distilled_so_again(tiny: Ask, refusal: Ask) -> None:
    taken = with_settings(tiny("flow"), guidance=0.0, guidance_taken_in=True)
    assert refusal(taken, "distill.guidance", "denoiser").code == "distill.twice"
    assert refusal(taken, "guidance.span", "sampler").code == "guidance.none"
    assert refusal(taken, "distill.steps", "denoiser", guidance=1.0).code == "distill.twice"
    assert refusal(taken, "distill.steps", "denoiser") is None
    with pytest.raises(InputError, match=r"has taken guidance in and cannot be guided by 2\.0"):
        taken.draw([DrawRequest(caption="a cat", seed=1, guidance=2.0)])


@pytest.mark.parametrize("name", ["distill.steps", "distill.guidance"])
def test_without_captions_or_a_folder_nothing_is_trained(tiny: Ask, host: Ask, tmp_path: Path, name: str) -> None:
    recipe = arranged(step_of(name, "denoiser", train=1))
    for context in (Context(prompts=PROMPTS), Context(folder=tmp_path), Context(prompts=PROMPTS[:7], folder=tmp_path)):
        with pytest.raises(InputError, match="8 captions or more"):
            apply(tiny("flow"), recipe, context, host=host())


@pytest.mark.parametrize("strength", [0.0, 2.0])
def test_the_student_of_a_teacher_that_is_exact_in_one_step_matches_it(tiny: Ask, strength: float) -> None:
    teacher = with_constant(tiny("flow"))
    trainee = trainee_of(teacher, DistilledSteps(finest=4, steps=1, guidance=strength))
    assert error_of(trainee) == pytest.approx(0.0, abs=1e-9)
    settings = {"steps": 1, "step_counts": (4, 2, 1), "solver": "euler", "guidance": 0.0}
    student = with_settings(with_part(teacher, "denoiser", trainee.student.eval()), **settings)
    requests = [DrawRequest(caption="a cat", seed=3)]
    assert torch.allclose(student.draw_latents(requests), teacher.draw_latents(requests), atol=1e-5)


def test_a_teacher_without_guidance_has_nothing_to_teach_about_it_and_one_with_guidance_has(tiny: Ask) -> None:
    teacher = tiny("flow")
    plain = trainee_of(teacher, DistilledGuidance(guidance=0.0))
    assert error_of(plain) == pytest.approx(0.0, abs=1e-9)
    strong = trainee_of(teacher, DistilledGuidance(guidance=3.0))
    assert error_of(strong) > 1e-4


def test_the_teacher_is_guided_as_its_pipeline_guides_it_and_in_the_same_interval(tiny: Ask) -> None:
    pipeline = with_settings(tiny("flow"), interval={"low": 0.2, "high": 0.6})
    drawn = trainee_of(pipeline, DistilledGuidance()).draw(PROMPTS, 3, generator())
    x, wanted = torch.randn(drawn.z.shape, generator=generator(2)), pipeline._denoiser(drawn.text, drawn.style, 1.5, [])
    with torch.no_grad():
        for time in (0.1, 0.3, 0.7):
            found = guided_teacher(pipeline, drawn, 1.5)(x, torch.full((3,), time))
            assert torch.allclose(found, wanted(x, time), atol=1e-5)


def test_a_student_begins_as_its_teacher_whatever_the_length_of_its_steps(tiny: Ask) -> None:
    network = tiny("flow").flow_transformer
    student = with_step_lengths(network).eval()
    drawn = trainee_of(tiny("flow"), DistilledGuidance()).draw(PROMPTS, 2, generator())
    t = torch.tensor([0.2, 0.7])
    with torch.no_grad():
        told = student(drawn.z, t, student.condition(drawn.text, drawn.style), step=torch.tensor([0.5, 0.125]))
        assert torch.equal(told, network(drawn.z, t, network.condition(drawn.text, drawn.style)))


@pytest.mark.parametrize(
    ("name", "params"), [("distill.guidance", {"guidance": 4.0}), ("distill.steps", {"finest": 2})]
)
def test_training_brings_the_student_nearer_to_the_guided_teacher(
    tiny: Ask, host: Ask, tmp_path: Path, name: str, params: dict[str, Any]
) -> None:
    teacher = tiny("flow")

    def distance(train: int) -> float:
        step = step_of(name, "denoiser", **params, train=train, **({"steps": 2} if "finest" in params else {}))
        found = apply(teacher, arranged(step), Context(prompts=PROMPTS, folder=tmp_path, loop=LOOP), host=host())
        kind = DistilledSteps if name == "distill.steps" else DistilledGuidance
        judge: Any = trainee_of(teacher, kind.model_validate(step.params), 2)
        judge.student = part_of(found.pipeline, "denoiser")
        return judge.validate()["distance"]

    assert distance(40) < 0.9 * distance(1)


def test_fewer_calls_are_all_that_is_left(tiny: Ask, host: Ask, tmp_path: Path) -> None:
    context = Context(prompts=PROMPTS, folder=tmp_path, loop=LOOP)
    few = apply(tiny("flow"), arranged(step_of("distill.steps", "denoiser", train=1)), context, host=host()).pipeline
    calls: list[int] = []
    few.modules["flow_transformer"].register_forward_pre_hook(lambda _, given: calls.append(len(given[0])))
    few.draw([DrawRequest(caption="a cat", seed=1)])
    assert calls == [1] * 4
    with pytest.raises(InputError, match="distilled to 8, 4, 2, 1 steps"):
        few.draw([DrawRequest(caption="a cat", seed=1, steps=3)])


def distilled(tiny: Ask, host: Ask, folder: Path, report: Callable[[Progress], None] = lambda _: None) -> Applied:
    step = step_of("distill.steps", "denoiser", finest=2, steps=2, train=12)
    context = Context(prompts=PROMPTS, folder=folder, loop=LOOP, report=report)
    return apply(tiny("flow"), arranged(step), context, host=host())


def test_training_goes_on_after_an_interruption_bit_for_bit(tiny: Ask, host: Ask, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.task == "train" and progress.done == 7:
            raise ConnectionError("the machine stops")

    with pytest.raises(ConnectionError):
        distilled(tiny, host, tmp_path / "one", stop)
    seen: list[int] = []
    again = distilled(tiny, host, tmp_path / "one", lambda p: seen.append(p.done) if p.task == "train" else None)
    whole = distilled(tiny, host, tmp_path / "other")
    assert seen[0] == 5, "it began anew"
    one, other = (part_of(each.pipeline, "denoiser").state_dict() for each in (again, whole))
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.mark.parametrize("name", ["distill.steps", "distill.guidance"])
def test_a_distilled_model_is_saved_with_all_that_it_has_learned(
    tiny: Ask, host: Ask, draw: Ask, tmp_path: Path, name: str
) -> None:
    save_pipeline(tiny("flow"), tmp_path / "flow", stage="test", config=Made(), parents={})
    base = underpaint.load(tmp_path / "flow").networks
    context = Context(prompts=PROMPTS, folder=tmp_path / "work", loop=LOOP)
    applied = apply(base, arranged(step_of(name, "denoiser", train=2)), context, host=host())
    save_optimized(applied, open_model(tmp_path / "flow"), tmp_path / "distilled")
    loaded: Any = underpaint.load(tmp_path / "distilled").networks
    saved, kept = (each.modules["flow_transformer"].state_dict() for each in (loaded, applied.pipeline))
    assert all(torch.equal(saved[key], value) for key, value in kept.items())
    assert np.abs(draw(loaded).astype(int) - draw(applied.pipeline)).max() <= 1  # kernels depend on where weights lie
    assert loaded.config == applied.pipeline.config
    assert loaded.config.unguided


def test_settings_of_a_guided_pipeline_are_written_as_before(tiny: Ask) -> None:
    assert "guidance_taken_in" not in tiny("flow").config.model_dump(mode="json")
