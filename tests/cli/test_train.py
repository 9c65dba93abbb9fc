from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from underpaint.core.artifact import MANIFEST, Manifest, read_manifest, seal
from underpaint.core.progress import Progress, Report
from underpaint.recipes.table import RECIPES
from underpaint.stages.train import evaluator_run, run
from underpaint.stages.train.evaluator_config import EvaluatorRecipe
from underpaint.stages.train.making import made
from underpaint.stages.train.parts import parts_of
from underpaint.stages.train.recipe import HybridRecipe

Call = Callable[..., Any]
SEEDS = "between 0 and 9223372036854775807"


def test_the_recipes_are_listed(underpaint: Call) -> None:
    done = underpaint("train", "--list")
    assert done.code == 0
    names, texts = zip(*(line.split("  ", 1) for line in done.stdout.splitlines()), strict=True)
    assert [name.strip() for name in names] == list(RECIPES) and all(text.strip() for text in texts)
    assert len({line.index(text.strip()) for line, text in zip(done.stdout.splitlines(), texts, strict=True)}) == 1
    assert "`" not in done.stdout
    assert set(underpaint("train", "--list", "--json").json["recipes"]) == set(RECIPES)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((), 2, "no recipe given"),
        ((), 2, "for your own style: --from stickers-64"),
        (("smok",), 2, "did you mean 'smoke'"),
        (("zzz",), 2, "sticker-64-nano"),
        (("smoke",), 2, "--data DIR"),
        (("smoke", "--data", "set"), 2, "--out DIR"),
        (("smoke", "--data", "set", "--out", "new", "--threads", "-1"), 2, "--threads"),
        (("smoke", "--data", "set", "--out", "new", "--seed", "-1"), 2, f"--seed must lie {SEEDS}, not -1"),
        (("smoke", "--data", "set", "--out", "new", "--seed", str(2**63)), 2, f"--seed must lie {SEEDS}, not {2**63}"),
        (("smoke", "--data", "set", "--out", "new"), 2, "set does not exist"),
        (
            ("evaluator-64", "--data", "set", "--out", "new", "--from", "stickers-64"),
            2,
            "leave out --from 'stickers-64'",
        ),
        (("sticker-64-nano-regression", "--data", "set", "--out", "new"), 2, "one to start from: --from stickers-64"),
        (("smoke", "--data", "set", "--out", "new", "--keep", "old"), 2, "--keep is for learning a style"),
        (("--data", "set", "--out", "new", "--from", "stickers-65"), 2, "there is no model folder 'stickers-65'"),
        (("--data", "set", "--out", "new", "--from", "stickers-64"), 2, "set does not exist"),
        (("--data", "set", "--out", "new", "--from", "stickers-64-onnx"), 2, "exported from: --from stickers-64\n"),
    ],
)
def test_what_cannot_be_trained_is_one_message(
    underpaint: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = underpaint("train", *arguments)
    assert (done.code, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("smoke", "--data", "set"), "set does not exist"),
        (("--data", "mine", "--from", "stickers-65"), "there is no model folder 'stickers-65'"),
        (("smoke", "--data", "mine", "--out", "mine"), "holds your pictures (cat.png)"),
        (("style", "--data", "mine", "--keep", "old"), "old does not exist"),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_loaded(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cat.png").touch()
    done = underpaint("train", *(() if "--out" in arguments else ("--out", "new")), *arguments)
    assert done.code == 2 and expected in done.stderr and len(done.stderr.splitlines()) == 1


def test_few_pictures_of_a_style_are_cautioned_about_before_the_training(underpaint: Call, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for number in range(10):
        colors = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(colors).resize((40, 40), Image.Resampling.NEAREST).save(tmp_path / "mine" / f"{number}.png")
        (tmp_path / "mine" / f"{number}.txt").write_text(f"thing {number}")
    data = tmp_path / "data"
    assert underpaint("data", "build", "folder", tmp_path / "mine", "--license", "CC0-1.0", "--out", data, "--size", 32)
    done = underpaint("train", "--from", "stickers-64", "--data", data, "--out", tmp_path / "new")
    note, refused = done.stderr.splitlines()[-2:]
    assert done.code == 3 and refused.startswith("error:") and "32 px" in refused
    assert note.startswith("note: ") and "pictures are few: the model will probably learn them by heart" in note


@pytest.mark.parametrize("recipe", [*RECIPES, ""])
def test_no_recipe_writes_into_its_data_set(underpaint: Call, tmp_path: Path, recipe: str) -> None:
    (tmp_path / MANIFEST).write_text("{}")
    start = () if recipe.startswith("evaluator") else ("--from", "stickers-64")
    named = [recipe] if recipe else []
    done = underpaint("train", *named, "--data", str(tmp_path), "--out", str(tmp_path), *start)
    assert (done.code, done.stdout) == (2, "")
    assert "nothing may be written into one; choose another --out" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_an_evaluator_is_trained_by_its_own_recipe_and_says_where_its_card_lies(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []

    def make(recipe: EvaluatorRecipe, data: Path, out: Path, report: Report, **where: Any) -> Manifest:
        assert isinstance(recipe, EvaluatorRecipe) and (data, set(where)) == (tmp_path, {"num_threads", "device"})
        seeds.append(recipe.loop.seed)
        folder = out / "evaluator"
        folder.mkdir(parents=True)
        return seal(folder, kind="evaluator", stage="train", config=recipe, parents={}, figures={"minutes": 1.0})

    monkeypatch.setattr(evaluator_run, "run", make)
    arguments = ("train", "evaluator-64", "--data", str(tmp_path), "--out")
    done = underpaint(*arguments, str(tmp_path / "one"))
    assert done.code == 0
    assert str(tmp_path / "one" / "evaluator" / "extractor.json") in done.stdout and "generate" not in done.stdout
    said = underpaint(*arguments, str(tmp_path / "two"), "--json", "--seed", "7").json
    assert said["evaluator"] == str(tmp_path / "two" / "evaluator") and said["figures"] == {"minutes": 1.0}
    assert seeds == [0, 7]


def test_the_model_to_start_from_is_handed_on(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def make(recipe: HybridRecipe, data: Path, out: Path, report: Report, *, start: str | None, **_: Any) -> Manifest:
        seen.append(start)
        (out / "pipeline").mkdir(parents=True)
        return seal(out / "pipeline", kind="pipeline", stage="train", config=recipe, parents={})

    monkeypatch.setattr(run, "run", make)
    arguments = ("train", "smoke", "--data", str(tmp_path), "--out")
    assert underpaint(*arguments, str(tmp_path / "one")).code == 0
    done = underpaint(*arguments, str(tmp_path / "two"), "--from", "stickers-64")
    assert seen == [None, "stickers-64"]
    assert f"-m {tmp_path / 'two' / 'pipeline'}" in done.stdout


@pytest.mark.parametrize(
    ("saved", "expected"),
    [(None, "interrupted; nothing was saved yet"), ("state/generator/state.safetensors", "from the last saved step")],
)
def test_an_interruption_promises_no_more_than_what_was_saved(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: str | None, expected: str
) -> None:
    def make(recipe: HybridRecipe, data: Path, out: Path, report: Report, **_: Any) -> Manifest:
        if saved is not None:
            (out / saved).parent.mkdir(parents=True)
            (out / saved).write_text("")
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run", make)
    done = underpaint("train", "smoke", "--data", tmp_path, "--out", tmp_path / "new")
    assert done.code == 130 and expected in done.stderr


def parts_made(*reported: str) -> Callable[..., Manifest]:
    """Return a training of a hybrid model that seals the parts that are not there, with a report in those named."""

    def make(recipe: HybridRecipe, data: Path, out: Path, report: Report, **_: Any) -> Manifest:
        for name in parts_of(recipe):
            if name in reported:
                report(Progress(task=f"make {name}", done=1, total=2, unit="steps"))
            if not (out / name).exists():
                (out / name).mkdir(parents=True)
                seal(out / name, kind=name, stage="train", config=recipe, parents={})
        return read_manifest(out / "pipeline")

    return make


def test_a_training_says_which_of_its_parts_it_is_in_and_that_it_can_be_gone_on_with(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "run", parts_made("tokenizer", "generator"))
    done = underpaint("train", "smoke", "--data", tmp_path, "--out", tmp_path / "new")
    assert done.stderr.splitlines()[-5:] == [
        "note: after Ctrl-C, run the same command again to go on from what is saved by then",
        "part 2 of 5: tokenizer",
        "make tokenizer: 1/2 steps",
        "part 4 of 5: generator",
        "make generator: 1/2 steps",
    ]
    quiet = underpaint("train", "smoke", "--data", tmp_path, "--out", tmp_path / "quiet", "--quiet")
    assert quiet.stderr == ""


def test_a_training_that_finds_something_says_what_it_keeps_and_goes_on_from(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new"
    (out / "text-table").mkdir(parents=True)
    seal(out / "text-table", kind="text-table", stage="train", config=RECIPES["smoke"](), parents={})
    (out / "state" / "tokenizer").mkdir(parents=True)
    (out / "state" / "tokenizer" / "state.safetensors").touch()
    monkeypatch.setattr(run, "run", parts_made("tokenizer"))
    done = underpaint("train", "smoke", "--data", tmp_path, "--out", out)
    assert f"note: text-table is finished in {out} and kept, tokenizer goes on from what was saved last" in done.stderr
    assert "part 2 of 5: tokenizer" in done.stderr and "part 1" not in done.stderr
    again = underpaint("train", "smoke", "--data", tmp_path, "--out", out)
    assert again.code == 0 and f"note: everything was finished in {out} already and is kept: text-table" in again.stderr


def test_what_is_finished_with_another_seed_is_refused_and_not_said_to_be_kept_first(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(recipe: HybridRecipe, data: Path, out: Path, report: Report, **_: Any) -> Manifest:
        return made(out / "text-table", recipe, {}, lambda: None)

    for name in parts_of(RECIPES["smoke"]()):
        (tmp_path / "new" / name).mkdir(parents=True)
        seal(tmp_path / "new" / name, kind=name, stage="train", config=RECIPES["smoke"](), parents={})
    monkeypatch.setattr(run, "run", make)
    done = underpaint("train", "smoke", "--data", tmp_path, "--out", tmp_path / "new", "--seed", "7")
    assert done.code != 0 and "was made with other settings or other data" in done.stderr
    assert "note: " not in done.stderr


def test_an_evaluator_is_trained_by_one_process(
    underpaint: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = underpaint("train", "evaluator-64", "--data", str(tmp_path), "--out", str(tmp_path / "new"))
    assert done.code == 2 and "one process, not by 2; start it without torchrun" in done.stderr
    assert not (tmp_path / "new").exists()
