"""A whole search of a tiny model with real pictures: what it leaves opens, draws, is taken back, and tells all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

import underpaint
from underpaint.core.artifact import seal, verify
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, DataError, InputError, StorageError
from underpaint.core.optimization import Change, Effort, Judgement, Readiness, Verdict
from underpaint.core.page.markup import Markup
from underpaint.core.progress import Report, silent
from underpaint.core.samples import Sample, write_samples
from underpaint.pipelines.opening import open_model
from underpaint.stages.optimize.search.config import USUAL_LOADING_S, SearchConfig
from underpaint.stages.optimize.search.published import frontier_schema, published_schema, text_of
from underpaint.stages.optimize.search.record import Base, Ratio
from underpaint.stages.optimize.search.run import run_search
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.search.task import Task
from underpaint.stages.optimize.search.timing import Times
from underpaint.stages.optimize.search.trial_log import TRIALS, workspace
from underpaint.stages.optimize.search.workbench import Workbench
from underpaint.stages.optimize.search.writing import Finished
from underpaint.stages.optimize.undoing import model_before

pytestmark = pytest.mark.slow  # every candidate is loaded in a process of its own
FEW = 110
SETTINGS = SearchConfig(prompts=64, glance=8, pairs=10, starts=2, rounds=5, calibration=16, budget_s=1e6, most_trials=2)


class Made(Config):
    by: str = "the tests"


class Yes:
    """A judge of one word."""

    identity = "0" * 64

    def __init__(self, verdict: Verdict = "pass") -> None:
        self.verdict: Verdict = verdict
        self.folders: list[Path] = []
        self.digests: list[str] = []
        self.keep: tuple[Path, Path] | None = None
        """What is copied, and where to, when the judge is first asked."""

    def groups(self) -> frozenset[str]:
        return frozenset({"group c109"})

    def effort(self) -> Effort:
        return Effort(base=0, each=1)

    def prepare(self, report: Report) -> Readiness:
        return Readiness(planted={"skip_last_scale": "fail"})

    def judge(self, candidate: Path, report: Report) -> Judgement:
        if self.keep is not None and not self.keep[1].exists():
            shutil.copytree(*self.keep)
        self.folders.append(candidate)
        self.digests.append(open_model(candidate).digest)
        change = Change(delta=0.0, low=-0.1, high=0.1, n=9, margin=0.2)
        return Judgement(verdict=self.verdict, quality={"fd@judge": change}, document={"verdict": self.verdict})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of noise with captions that the tiny model reads."""
    folder = tmp_path_factory.mktemp("data") / "set"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    samples = []
    for number in range(FEW):
        name = f"images/{number}.png"
        Image.fromarray(rng.integers(256, size=(32, 32, 4), dtype=np.uint8)).save(folder / name)
        key = f"c{number}"
        values = {"id": key, "cluster": key, "group": key, "name": key, "caption": f"a red cat {key}"}
        more = {"style": "flat", "family": "f", "source": "s", "icon": "i", "license": "CC0-1.0", "level": ""}
        hashes = {"sha256_pixels": "0" * 64, "phash": "0" * 16}
        samples.append(
            Sample.model_validate({**values, **more, **hashes, "split": "train", "weight": 1.0, "file": name})
        )
    write_samples(folder, samples)
    seal(folder, kind="dataset", stage="data", config=Made(), parents={})
    return folder


def chart(points: Any, width: float) -> Markup:
    return Markup(f"<p>{len(points)} points, {width:g} px</p>")


def half_the_time(times: Times, seed: int) -> tuple[Ratio, Ratio]:
    """Put a ratio in the place of what the machine's other work decides."""
    return (0.5, 0.4, 0.6), (0.5, 0.4, 0.6)


@pytest.fixture(scope="module")
def only_faster(tiny_space: Space) -> Callable[[pytest.MonkeyPatch], None]:
    """Narrow the space to numbers of steps, and let fewer count as faster whatever else the machine does."""
    axes = tuple(axis for axis in tiny_space.axes if axis.name == "steps.count")

    def narrow(patch: pytest.MonkeyPatch) -> None:
        space = Space(capabilities=tiny_space.capabilities, host=tiny_space.host, axes=axes, refused=tiny_space.refused)
        patch.setattr("underpaint.stages.optimize.search.run.space_of", lambda *_: space)
        patch.setattr("underpaint.stages.optimize.search.timing.Times.ratios", half_the_time)
        patch.setattr("underpaint.stages.optimize.search.workbench.as_bad", lambda *_: False)
        patch.setattr("underpaint.stages.optimize.search.workbench._beyond", lambda *_: None)

    return narrow


def task(model: Path, data: Path, out: Path, judge: Yes, *rivals: str, **changes: Any) -> Task:
    return Task(
        config=SETTINGS.model_copy(update=changes),
        model=open_model(model),
        address=str(model),
        data=data,
        judge=judge,
        policy="tiny",
        out=out,
        command="underpaint optimize tiny",
        chart=chart,
        rivals=rivals,
    )


@pytest.fixture(scope="module")
def searched(
    tiny_model: Path,
    tiny_export: Path,
    data: Path,
    only_faster: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Finished, Yes]:
    out = tmp_path_factory.mktemp("searched") / "fast"
    judge = Yes()
    judge.keep = (workspace(out), out.parent / "kept")
    with pytest.MonkeyPatch.context() as patch:
        only_faster(patch)
        finished = run_search(task(tiny_model, data, out, judge, str(tiny_export)), silent)
    return out, finished, judge


Again = Callable[[Path, Yes], Task]


@pytest.fixture
def again(searched: tuple[Path, Finished, Yes], tiny_model: Path, tiny_export: Path, data: Path) -> Again:
    """Return what asks for the same search elsewhere, with all its trials done and nothing judged."""

    def asked(out: Path, judge: Yes) -> Task:
        shutil.copytree(searched[0].parent / "kept", workspace(out))
        return task(tiny_model, data, out, judge, str(tiny_export))

    return asked


def hashes(folder: Path) -> dict[str, str]:
    """Return every file of a folder with its SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def drawn(model: Path) -> np.ndarray:
    return np.asarray(underpaint.load(model, engine="torch").generate("a red cat", seed=3)[0])


def test_the_accepted_model_is_whole_and_names_its_parent(
    searched: tuple[Path, Finished, Yes], tiny_model: Path
) -> None:
    out, finished, judge = searched
    assert finished.frontier.chosen is not None, finished.frontier.ended
    manifest = verify(out, kind="optimized")
    assert manifest.parents["judged"] == judge.digests[-1]
    assert manifest.parents["pipeline"] == open_model(tiny_model).digest
    assert {"frontier.json", "trials.jsonl", "search.html", "gate.json", "recipe.json"} <= manifest.files.keys()
    assert manifest.figures["optimized"]["cost"]["pairs"] == 10
    assert not workspace(out).exists()


def test_it_draws_what_its_recipe_says(searched: tuple[Path, Finished, Yes], tiny_model: Path) -> None:
    out, finished, _ = searched
    accepted = finished.frontier.accepted
    assert accepted is not None
    steps = accepted.recipe.steps[0].params["steps"]
    asked = underpaint.load(tiny_model, engine="torch").generate("a red cat", seed=3, steps=int(str(steps)))[0]
    assert np.array_equal(drawn(out), np.asarray(asked))


def test_taking_it_back_gives_the_model_before_which_was_never_touched(
    searched: tuple[Path, Finished, Yes], tiny_model: Path, tmp_path: Path
) -> None:
    before = model_before(searched[0], tmp_path / "back")
    verify(tiny_model)
    assert verify(tmp_path / "back").digest == before.digest == open_model(tiny_model).digest
    assert np.array_equal(drawn(tmp_path / "back"), drawn(tiny_model))


def test_a_model_before_that_is_nowhere_is_named(searched: tuple[Path, Finished, Yes], tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    shutil.copytree(searched[0], lost)
    (lost / "frontier.json").unlink()
    with pytest.raises(InputError, match=r"the model before .* is tiny, digest [0-9a-f]{16}; it is neither shipped"):
        model_before(lost)


def test_what_was_not_optimized_is_not_taken_back(tiny_model: Path) -> None:
    with pytest.raises(InputError, match="made by no optimization"):
        model_before(tiny_model)


def test_the_record_is_valid_and_holds_every_trial(searched: tuple[Path, Finished, Yes]) -> None:
    out, finished, _ = searched
    values = json.loads((out / "frontier.json").read_text())
    jsonschema.validate(values, published_schema())
    assert values["chosen"] in [trial["id"] for trial in values["trials"]]
    assert len(values["trials"]) == len(finished.frontier.trials) > 2
    rows = [json.loads(line)["row"] for line in (out / "trials.jsonl").read_text().splitlines()]
    assert rows[:3] == ["begun", "base", "ready"] and rows[-1] == "attempt"
    assert 0.1 < values["base_cost"]["loading_s"] < 120.0
    assert values["base_cost"]["loading_s"] != USUAL_LOADING_S, "it is measured"


def test_the_rival_ran_beside_the_accepted_model_and_the_record_says_what_that_shows(
    searched: tuple[Path, Finished, Yes],
) -> None:
    out, finished, _ = searched
    frontier = finished.frontier
    (rival,), (outcome,) = frontier.rivals, frontier.outcomes
    assert frontier.chosen in rival.beside and rival.cost is not None and rival.cost.pairs == 10
    assert rival.loss == pytest.approx(0.0, abs=0.05), "the graph draws what the model draws"
    ratio = rival.beside[str(frontier.chosen)].by(frontier.timer)
    assert outcome.ratio == ratio and (outcome.finding == "faster") == (ratio[2] < 1.0)
    page = (out / "search.html").read_text()
    assert "Beside what is there" in page and "What the space held" in page
    assert {region.transform for region in frontier.space if region.state == "tried"} == {"steps.count"}


def test_what_was_changed_after_the_judgement_is_not_handed_out(
    again: Again, only_faster: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_faster(monkeypatch)

    def tampered(bench: Workbench, candidate: Path, base: Base) -> tuple[()]:
        (candidate / "recipe.json").write_text("{}")
        return ()

    monkeypatch.setattr("underpaint.stages.optimize.search.writing.sampled", tampered)
    with pytest.raises(ArtifactError, match=r"was changed after it was made \(recipe.json\); nothing is handed out"):
        run_search(again(tmp_path / "new", Yes()), silent)
    assert not (tmp_path / "new").exists()


def test_the_published_schema_is_the_one_of_the_records() -> None:
    said = "python -m underpaint.stages.optimize.search.published"
    assert text_of(published_schema()) == text_of(frontier_schema()), said


def test_the_page_loads_nothing_and_tells_the_way_back(searched: tuple[Path, Finished, Yes]) -> None:
    page = (searched[0] / "search.html").read_text()
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert f"underpaint optimize --undo {searched[0]}" in page
    assert "skip_last_scale: refused" in page
    assert page.count("data:image/png") == 48
    assert all(trial.id in page for trial in searched[1].frontier.trials)


def test_what_the_judge_refuses_leaves_a_record_and_no_model(
    again: Again, only_faster: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_faster(monkeypatch)
    finished = run_search(again(tmp_path / "none", Yes("indeterminate")), silent)
    assert finished.frontier.chosen is None
    manifest = verify(tmp_path / "none", kind="search")
    assert "recipe.json" not in manifest.files and "frontier.json" in manifest.files


def test_a_search_that_is_ended_leaves_nothing_but_its_log_and_goes_on(
    again: Again, tiny_model: Path, only_faster: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_faster(monkeypatch)
    before = hashes(tiny_model)
    out, judge = tmp_path / "late", Yes()
    asked = again(out, judge)

    def interrupt(*_: object) -> Judgement:
        raise KeyboardInterrupt

    monkeypatch.setattr(judge, "judge", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_search(asked, silent)
    assert not out.exists() and (workspace(out) / TRIALS).is_file()
    assert hashes(tiny_model) == before
    log = (workspace(out) / TRIALS).read_bytes()
    monkeypatch.undo()
    only_faster(monkeypatch)
    run_search(asked, silent)
    assert (out / TRIALS).read_bytes().startswith(log) and not workspace(out).exists()


def left(searched: tuple[Path, Finished, Yes], out: Path) -> None:
    """Leave what a search leaves that is killed when its result is there."""
    shutil.copytree(searched[0], out)
    shutil.copytree(searched[0].parent / "kept", workspace(out))
    shutil.copyfile(out / TRIALS, workspace(out) / TRIALS)


def test_a_search_that_was_killed_with_its_result_there_cleans_up_and_says_so(
    searched: tuple[Path, Finished, Yes], tiny_model: Path, tiny_export: Path, data: Path, tmp_path: Path
) -> None:
    out, judge, told = tmp_path / "fast", Yes(), list[str]()
    left(searched, out)
    before, rival = hashes(out), str(tiny_export)
    found = run_search(task(tiny_model, data, out, judge, rival), lambda progress: told.append(progress.task))
    assert found == searched[1] and hashes(out) == before
    assert not workspace(out).exists() and not judge.folders
    assert told == ["the result is there; remove what the search needed to go on"]
    with pytest.raises(StorageError, match="exists already"):
        run_search(task(tiny_model, data, out, judge, rival), silent)


def test_a_workspace_beside_the_result_of_another_search_is_left_alone(
    searched: tuple[Path, Finished, Yes], tiny_model: Path, tiny_export: Path, data: Path, tmp_path: Path
) -> None:
    out, rival = tmp_path / "fast", str(tiny_export)
    left(searched, out)
    kept = hashes(workspace(out))
    with pytest.raises(InputError, match="belongs to a search with other settings or rivals"):
        run_search(task(tiny_model, data, out, Yes(), rival, seed=1), silent)
    shutil.copyfile(searched[0].parent / "kept" / TRIALS, workspace(out) / TRIALS)
    with pytest.raises(StorageError, match="exists already"):
        run_search(task(tiny_model, data, out, Yes(), rival), silent)
    assert hashes(workspace(out)).keys() == kept.keys()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "cuda"}, r"--target cuda needs a GPU .*\[host.cuda\]"),
        ({"calibration": 90}, "calibration.too_few"),
        ({"budget_s": 5.0}, "a budget of 5 s is too small for any model"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    tiny_model: Path, data: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises((InputError, DataError), match=words):
        run_search(task(tiny_model, data, tmp_path / "new", Yes(), **changes), silent)
    assert not list(tmp_path.iterdir())


def test_optimized_models_and_folders_that_exist_are_refused(
    searched: tuple[Path, Finished, Yes], tiny_model: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"is optimized already.*optimize --undo"):
        run_search(task(searched[0], data, tmp_path / "new", Yes()), silent)
    with pytest.raises(StorageError, match="exists already"):
        run_search(task(tiny_model, data, searched[0], Yes()), silent)
