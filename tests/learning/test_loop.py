from __future__ import annotations

import json
import math
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from underpaint.core.errors import InputError, TrainingError
from underpaint.core.progress import Progress, silent
from underpaint.learning.config import LoopConfig
from underpaint.learning.loop import LOG, STATE, Run, require_shares, step_generator
from underpaint.learning.optimizer import make_optimizer
from underpaint.learning.seeding import initialized_by
from underpaint.runtime.processes import Processes

CPU = torch.device("cpu")


class Line:
    """A straight line with noise, learned by a linear map behind a batch norm, plus a buffer that is counted up."""

    def __init__(self) -> None:
        with initialized_by(0):
            self.module = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.module.register_buffer("counted", torch.zeros(()))
        self.modes: list[bool] = []
        self.poison_at = -1
        self.interrupt_at = -1

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        x = torch.randn(16, 2, generator=generator)
        y = self.module(x)
        if step == self.interrupt_at:
            signal.raise_signal(signal.SIGINT)
        if step == self.poison_at:
            y = y * math.nan
        return (y[:, 0] - x.sum(1)).square().mean(), {"extra": float(step)}

    def after_step(self, step: int, generator: torch.Generator) -> None:
        self.module.counted.add_(torch.rand((), generator=generator))  # pyright: ignore

    def validate(self) -> dict[str, float]:
        self.modes.append(self.module.training)
        return {"weight": float(self.module[0].weight.detach().sum())}  # pyright: ignore

    def draw_samples(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text("drawn")


def settings(**changes: object) -> LoopConfig:
    values = {"steps": 60, "warmup": 10, "validate_every": 20, "save_every": 10, "sample_every": 30, "precision": "f32"}
    return LoopConfig.model_validate(values | changes)


def run(folder: Path, trainee: Line, config: LoopConfig, identity: str = "one", report=silent) -> Run:
    return Run(trainee, config, folder, identity, CPU, report)


def tensors(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / STATE)


def lines(folder: Path) -> list[dict[str, float]]:
    records = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def assert_same_run(one: Path, two: Path) -> None:
    a, b = tensors(one), tensors(two)
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert lines(one) == lines(two)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(folder, Line(), settings()).finish()
    return folder


def test_a_step_draws_what_its_seed_number_and_purpose_say():
    def draw(*arguments: object) -> list[float]:
        return torch.rand(4, generator=step_generator(*arguments)).tolist()  # pyright: ignore

    assert draw(0, 1) == draw(0, 1)
    different = [draw(0, 1), draw(1, 0), draw(0, 2), draw(0, 11), draw(0, 1, "validate")]
    assert len({tuple(numbers) for numbers in different}) == 5


def test_fresh_weights_depend_on_the_seed_alone_and_leave_the_random_state():
    before = torch.random.get_rng_state()
    built = []
    for seed in (1, 1, 2):
        with initialized_by(seed):
            built.append(nn.Linear(3, 3).weight)
    assert torch.equal(built[0], built[1]) and not torch.equal(built[0], built[2])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weight_decay_applies_to_matrices_alone():
    module = nn.ModuleDict({"embedding": nn.Embedding(3, 4), "linear": nn.Linear(4, 4), "norm": nn.LayerNorm(4)})
    optimizer = make_optimizer(module, settings(weight_decay=0.3))
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    decayed = {name for name, p in module.named_parameters() if decay[id(p)] == 0.3}
    assert decayed == {"linear.weight"} and len(decay) == 5


def test_each_network_is_clipped_apart(tmp_path):
    trainee = Line()
    one = run(tmp_path, trainee, settings(clip=0.5))
    for scale, network in zip((100.0, 0.01), (trainee.module[0], trainee.module[2]), strict=True):
        for parameter in network.parameters():
            parameter.grad = torch.full_like(parameter, scale)
    assert float(one._clip()) == pytest.approx(100.0 * 12**0.5)
    norms = [torch.cat([p.grad.flatten() for p in network.parameters()]).norm() for network in trainee.module[::2]]  # pyright: ignore
    assert [float(norm) for norm in norms] == pytest.approx([0.5, 0.01 * 5**0.5], rel=1e-4)


def test_training_learns(uninterrupted):
    losses = [record["loss"] for record in lines(uninterrupted) if "loss" in record]
    final = run(uninterrupted, Line(), settings())
    assert final.step == 60 and losses[-1] < 2.0


def test_milestones_come_when_they_are_due_and_at_the_end(tmp_path):
    trainee = Line()
    run(tmp_path, trainee, settings(steps=50)).finish()
    validated = [r["step"] for r in lines(tmp_path) if "held_out_weight" in r]
    assert validated == [20, 40, 50]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == ["000030.png", "000050.png"]
    assert trainee.modes == [False] * 3 and trainee.module.training


def test_validation_sees_the_averaged_weights(uninterrupted):
    state = tensors(uninterrupted)
    told = [r["held_out_weight"] for r in lines(uninterrupted) if "held_out_weight" in r][-1]
    assert told == pytest.approx(float(state["average.0.weight"].sum()), abs=1e-5)
    assert abs(told - float(state["module.0.weight"].sum())) > 1e-4


@pytest.mark.parametrize("stop", [1, 19, 20, 35, 59])
def test_ctrl_c_in_the_middle_of_a_step_loses_nothing(tmp_path, uninterrupted, stop):
    trainee = Line()
    trainee.interrupt_at = stop
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, trainee, settings()).finish()
    resumed = run(tmp_path, Line(), settings())
    assert resumed.step == stop + 1
    resumed.finish()
    assert_same_run(tmp_path, uninterrupted)


class Killed(BaseException):
    """Stands for a loss of power: nothing is cleaned up."""


@pytest.mark.parametrize("stop", [3, 10, 47])
def test_a_run_that_ended_without_warning_goes_on_from_its_last_state(tmp_path, uninterrupted, stop):
    def power_cut(progress: Progress) -> None:
        if progress.done == stop:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, Line(), settings(), report=power_cut).finish()
    if (tmp_path / LOG).exists():
        with (tmp_path / LOG).open("a") as file:
            file.write('{"step": 50, "los')
    resumed = run(tmp_path, Line(), settings())
    assert resumed.step == stop // 10 * 10
    resumed.finish()
    assert_same_run(tmp_path, uninterrupted)


def test_a_finished_run_does_nothing_more(tmp_path, uninterrupted):
    before = (uninterrupted / STATE).read_bytes()
    resumed = run(uninterrupted, Line(), settings())
    figures = resumed.finish()
    assert figures == resumed.latest != {}
    assert (uninterrupted / STATE).read_bytes() == before


def test_another_seed_takes_another_path(tmp_path, uninterrupted):
    run(tmp_path, Line(), settings(seed=1)).finish()
    assert not torch.equal(tensors(tmp_path)["module.0.weight"], tensors(uninterrupted)["module.0.weight"])


def test_the_state_of_another_run_is_refused(uninterrupted):
    with pytest.raises(TrainingError, match="other settings or other data; choose another --out"):
        run(uninterrupted, Line(), settings(), identity="two")


@pytest.mark.parametrize("keep", [0, 7, 500])
def test_a_damaged_state_is_told_from_a_good_one(tmp_path, uninterrupted, keep):
    (tmp_path / STATE).write_bytes((uninterrupted / STATE).read_bytes()[:keep])
    with pytest.raises(TrainingError, match=r"is damaged .*; delete it to start this run again"):
        run(tmp_path, Line(), settings())


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_good_state(tmp_path):
    trainee = Line()
    trainee.poison_at = 25
    with pytest.raises(TrainingError, match=r"loss is nan at step 25; lower lr \(0.001\)"):
        run(tmp_path, trainee, settings()).finish()
    assert all(torch.isfinite(value).all() for value in tensors(tmp_path).values())
    assert run(tmp_path, Line(), settings()).step == 20


class Cliff(Line):
    """The loss is finite, its gradient is not."""

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        value, figures = super().loss(step, generator)
        return (value + (self.module[0].weight.sum() * 0.0).sqrt() if step == 12 else value), figures  # pyright: ignore


def test_a_gradient_that_is_no_number_stops_the_run_before_it_does_harm(tmp_path):
    trainee = Cliff()
    with pytest.raises(TrainingError, match=r"gradient's norm is (nan|inf) at step 12"):
        run(tmp_path, trainee, settings()).finish()
    assert all(torch.isfinite(p).all() for p in trainee.module.parameters())


def test_progress_counts_the_steps(tmp_path):
    told: list[Progress] = []
    run(tmp_path, Line(), settings(steps=5), report=told.append).finish()
    assert [(p.done, p.total, p.unit) for p in told] == [(n, 5, "steps") for n in range(6)]
    assert "loss" in told[-1].note and "held-out weight" in told[-1].note


def test_micro_batches_of_one_draw_what_a_step_drew_and_several_draw_other_numbers(tmp_path):
    class Drawing(Line):
        def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
            self.drawn = [*getattr(self, "drawn", []), float(torch.rand((), generator=generator))]
            return super().loss(step, generator)

    drawn = {}
    for parts in (1, 3):
        trainee = Drawing()
        run(tmp_path / str(parts), trainee, settings(steps=2, accumulate=parts)).finish()
        drawn[parts] = trainee.drawn
    assert drawn[1] == [float(torch.rand((), generator=step_generator(0, step))) for step in range(2)]
    assert len(drawn[3]) == len(set(drawn[3])) == 6 and not set(drawn[1]) & set(drawn[3])


class Halves(Line):
    """Every micro-batch is one half of the same pictures, in turn; or all of them at once."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.module[1] = nn.Identity()  # pyright: ignore
        self.parts, self.asked = parts, 0

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        x = torch.randn(16, 2, generator=torch.Generator().manual_seed(step)).chunk(self.parts)[self.asked % self.parts]
        self.asked += 1
        value = (self.module(x)[:, 0] - x.sum(1)).square().mean()
        return value, {}

    def after_step(self, step: int, generator: torch.Generator) -> None:
        pass


def test_two_halves_teach_what_the_whole_teaches(tmp_path):
    for parts in (1, 2):
        run(tmp_path / str(parts), Halves(parts), settings(accumulate=parts)).finish()
    a, b = tensors(tmp_path / "1"), tensors(tmp_path / "2")
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-4, atol=1e-6)
    for one, two in zip(lines(tmp_path / "1"), lines(tmp_path / "2"), strict=True):
        assert one == pytest.approx(two, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("changes", [{"accumulate": 2}, {"optimizer": "adamw8bit"}])
def test_every_option_resumes_bit_for_bit(tmp_path, changes):
    config = settings(steps=30, **changes)
    run(tmp_path / "whole", Line(), config).finish()
    trainee = Line()
    trainee.interrupt_at = 13
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", trainee, config).finish()
    run(tmp_path / "stopped", Line(), config).finish()
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def test_options_at_their_defaults_leave_digests_as_they_were():
    plain = LoopConfig(steps=3)
    assert {"accumulate", "optimizer"}.isdisjoint(plain.model_dump())
    assert plain.digest() == LoopConfig(steps=3, accumulate=1, optimizer="adamw").digest()
    changed = [LoopConfig(steps=3, accumulate=2), LoopConfig(steps=3, optimizer="adamw8bit")]
    assert len({plain.digest(), *(config.digest() for config in changed)}) == 3
    assert [LoopConfig.model_validate_json(config.model_dump_json()) for config in changed] == changed


def test_a_batch_in_parts_is_as_large_a_step():
    whole = LoopConfig(steps=3, batch_size=32, accumulate=2)
    parts = whole.in_parts(4)
    assert (parts.batch_size, parts.accumulate) == (8, 8) and parts.pictures_a_step == whole.pictures_a_step == 64
    with pytest.raises(InputError, match="a batch of 32 cannot be cut into 5 equal parts"):
        whole.in_parts(5)


def test_micro_batches_that_cannot_be_shared_evenly_are_refused():
    require_shares(settings(accumulate=4), Processes(1, 2))
    with pytest.raises(TrainingError, match="2 processes cannot evenly share 3 micro-batches"):
        require_shares(settings(accumulate=3), Processes(1, 2))


def test_divergence_leaves_two_states_from_before_it(tmp_path):
    trainee = Line()
    trainee.poison_at = 25
    with pytest.raises(TrainingError, match=r"into another --out; the states before it are kept in .*previous"):
        run(tmp_path, trainee, settings()).finish()
    older = load_file(tmp_path / "state.previous.safetensors")
    assert all(torch.isfinite(value).all() for value in older.values())
    (tmp_path / STATE).unlink()
    assert run(tmp_path, Line(), settings()).step == 10


def test_sigterm_in_the_middle_of_a_step_saves_the_state(tmp_path, uninterrupted):
    class Terminated(Line):
        def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
            if step == 17:
                signal.raise_signal(signal.SIGTERM)
            return super().loss(step, generator)

    with pytest.raises(SystemExit) as left:
        run(tmp_path, Terminated(), settings()).finish()
    assert left.value.code == 143
    resumed = run(tmp_path, Line(), settings())
    assert resumed.step == 18
    resumed.finish()
    assert_same_run(tmp_path, uninterrupted)
