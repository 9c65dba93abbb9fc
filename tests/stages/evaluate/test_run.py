"""Whole evaluations of a tiny model on a tiny data set: the artifact, resuming, folders, functions, the gate."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

import underpaint as up
from underpaint.core.artifact import seal, staging, verify
from underpaint.core.config import Config
from underpaint.core.errors import DataError, InputError
from underpaint.core.policy import parse_policy
from underpaint.core.samples import Sample, write_samples
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.running import networks
from underpaint.stages.evaluate.drawing.subjects import Sampling, loaded_subject
from underpaint.stages.evaluate.gate.models import evaluated_at
from underpaint.stages.evaluate.gate.run import gate_by_looks
from underpaint.stages.evaluate.opening import open_data, open_source
from underpaint.stages.evaluate.record import PictureRecord, Report
from underpaint.stages.evaluate.run import run

STYLES = ("flat", "noto")
SIZE = 32
SUITE = EvaluateConfig(
    suite="tiny",
    composition=40,
    varied_prompts=30,
    varied_seeds=4,
    known_bad=("jpeg_10", "shuffled_prompts", "int4_round_to_nearest"),
    extractors=("randconv-v1",),
)


class Made(Config):
    by: str = "the tests"


def drawing(seed: int) -> np.ndarray:
    """Draw three colored boxes ``[H, W, 4]``."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((SIZE, SIZE, 4), dtype=np.uint8)
    for _ in range(3):
        x, y = rng.integers(0, SIZE - 10, 2)
        w, h = rng.integers(6, 20, 2)
        pixels[y : y + h, x : x + w] = (*rng.integers(0, 256, 3), 255)
    return pixels


def add(folder: Path, number: int, split: str, style: str, samples: list[Sample]) -> None:
    pixels = drawing(1000 * len(samples) + number)
    name = f"{split}-{number}-{style}.png"
    Image.fromarray(pixels).save(folder / name)
    words = f"a red apple {number}"
    samples.append(
        Sample(
            id=f"{number:x}",
            cluster=f"{number:x}",
            group=f"{number % 7 if split in ('train', 'test_composition') else number:x}",
            name=words,
            caption=words,
            style=style,
            family="tests",
            source="tests",
            icon=name,
            license="CC0-1.0",
            sha256_pixels=hashlib.sha256(pixels.tobytes()).hexdigest(),
            phash="0" * 16,
            split=split,
            level="cell" if split == "test_composition" else "",
            weight=1.0,
            file=name,
        )
    )


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``dataset`` artifact: 160 held-out pictures, 40 new combinations, 320 for training."""
    out = tmp_path_factory.mktemp("data") / "boxes"
    samples: list[Sample] = []
    with staging(out) as folder:
        for first, count, split in ((0, 80, "validation"), (100, 20, "test_composition"), (200, 160, "train")):
            for number in range(first, first + count):
                for style in STYLES:
                    add(folder, number, split, style, samples)
        write_samples(folder, samples)
        seal(folder, kind="dataset", stage="data", config=Made(), parents={})
    return out


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERPAINT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def evaluated(boxes: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluation of the tiny model."""
    out = tmp_path_factory.mktemp("evaluated") / "report"
    up.evaluate(tiny_model, data=boxes, out=out, suite=SUITE, efficiency=False)
    return out


def report_of(folder: Path) -> Report:
    return Report.model_validate_json((folder / "report.json").read_text())


def test_the_artifact_is_whole_and_its_files_belong_together(evaluated):
    manifest = verify(evaluated, kind="evaluation")
    assert {"dataset", "model"} <= manifest.parents.keys()
    lines = (evaluated / "per_sample.jsonl").read_text().splitlines()
    pictures = {p.image_id: p for p in map(PictureRecord.model_validate_json, lines)}
    for picture in pictures.values():
        for name in (picture.file, picture.reference_file):
            assert not name or (evaluated / name).is_file()
    orders, influences = (
        json.loads((evaluated / "order.json").read_text()),
        load_file(evaluated / "influence.safetensors"),
    )
    assert orders.keys() == influences.keys()
    for key, names in orders.items():
        assert len(names) == len(influences[key]) and abs(influences[key].mean()) < 1e-6 * (
            1 + abs(influences[key]).max()
        )
        assert key.startswith("reference|") or set(names) <= pictures.keys()


def test_numbers_carry_their_reference_interval_and_who_looked(evaluated):
    report = report_of(evaluated)
    kid = next(m for m in report.metrics if m.metric == "kid")
    assert kid.extractor.startswith("randconv-v1:") and kid.id == f"kid@{kid.extractor}"
    assert kid.n == kid.m == 160 and kid.interval is not None and kid.se is not None and kid.reference
    assert {m.status for m in report.metrics if m.metric in ("precision", "fd", "mind")} == {"too_few"}
    assert all(m.message for m in report.metrics if m.status != "ok")
    assert len({(m.id, m.group) for m in report.metrics}) == len(report.metrics)


def test_controls_move_what_they_should(evaluated):
    moved = {c.control: c for c in report_of(evaluated).controls if c.id.startswith("kid@")}
    assert set(moved) == {"null-1", "jpeg_10", "shuffled_prompts", "int4_round_to_nearest"}
    assert abs(moved["null-1"].delta) < 4 * moved["null-1"].se
    assert moved["shuffled_prompts"].delta == pytest.approx(0.0, abs=1e-9), "the same pictures, in another order"


def test_the_page_names_the_model_and_loads_nothing(evaluated):
    page = (evaluated / "report.html").read_text()
    assert "tiny" in page and "<script src" not in page and 'src="http' not in page


def test_the_same_evaluation_is_not_made_twice_and_another_one_is_refused(evaluated, boxes, tiny_model):
    before = (evaluated / "report.json").stat().st_mtime_ns
    up.evaluate(tiny_model, data=boxes, out=evaluated, suite=SUITE, efficiency=False)
    assert (evaluated / "report.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another evaluation"):
        up.evaluate(tiny_model, data=boxes, out=evaluated, suite=SUITE, seed=1, efficiency=False)


def test_other_settings_other_prices_and_another_function_are_another_evaluation(
    evaluated, boxes, tiny_model, underpaint, tmp_path
):
    done = underpaint("evaluate", tiny_model, "--data", boxes, "--out", evaluated, "--no-efficiency", "--guidance", "1")
    assert done.code == 2 and "another evaluation" in done.stderr
    plain = SUITE.model_copy(update={"null_sets": 0, "known_bad": (), "novelty": False})

    def draws(wishes):
        return [drawing(w.seed % 2**31) for w in wishes]

    up.evaluate(draws, data=boxes, out=tmp_path / "x", suite=plain, efficiency=False)
    with pytest.raises(InputError, match="another evaluation"):
        up.evaluate(draws, data=boxes, out=tmp_path / "x", suite=plain, efficiency=False)


def test_what_is_in_memory_is_judged_not_what_the_folder_holds(boxes, tiny_model):
    import torch

    first, second = loaded_subject(up.load(tiny_model)), up.load(tiny_model)
    assert first.identity == loaded_subject(up.load(tiny_model)).identity
    with torch.no_grad():
        next(networks(second).network.parameters()).mul_(1.01)
    assert loaded_subject(second).identity != first.identity
    assert loaded_subject(second).record().identity != first.record().identity


def test_words_and_parts_are_judged_by_the_shipped_evaluator(boxes, tiny_model, tmp_path):
    suite = SUITE.model_copy(
        update={"extractors": ("evaluator-64",), "novelty": False, "null_sets": 0, "known_bad": ()}
    )
    report = up.evaluate(tiny_model, data=boxes, out=tmp_path / "out", suite=suite, efficiency=False)
    found = {(m.metric, m.group): m for m in report.metrics}
    assert {("r_precision", ""), ("style_accuracy", ""), ("kid", "")} <= found.keys()
    style = found["style_accuracy", ""]
    assert style.n == 80 and style.reference and style.ceiling is not None and "advisory" in style.message
    (card,) = report.extractors.values()
    assert len(card["artifact_digest"]) == 64


def test_a_step_that_fails_for_several_numbers_leaves_all_of_them_with_the_reason(tmp_path, tiny_model):
    """Forty different captions are too few for ninety-nine distractors, and ten concepts for fifty neighbors."""
    samples: list[Sample] = []
    with staging(tmp_path / "data") as folder:
        for first, count, split in ((0, 40, "validation"), (200, 10, "train")):
            for number in range(first, first + count):
                add(folder, number, split, "flat", samples)
        write_samples(folder, samples)
        seal(folder, kind="dataset", stage="data", config=Made(), parents={})
    suite = SUITE.model_copy(update={"extractors": ("evaluator-64",), "null_sets": 0, "known_bad": ()})
    report = up.evaluate(tiny_model, data=tmp_path / "data", out=tmp_path / "out", suite=suite, efficiency=False)
    missing = {m.metric: m.status for m in report.metrics if m.metric in ("r_precision", "clip_score", "novelty")}
    assert missing == {"r_precision": "too_few", "clip_score": "too_few", "novelty": "too_few"}


def test_two_runs_differ_only_in_dates_and_durations(evaluated, boxes, tiny_model, tmp_path):
    up.evaluate(tiny_model, data=boxes, out=tmp_path / "again", suite=SUITE, efficiency=False)

    def lasting(folder: Path) -> dict:
        values = json.loads((folder / "report.json").read_text())
        for measurement in values["metrics"]:
            measurement.pop("seconds")
        return {key: value for key, value in values.items() if key not in ("created", "environment")}

    assert lasting(tmp_path / "again") == lasting(evaluated)
    assert (tmp_path / "again" / "per_sample.jsonl").read_bytes() == (evaluated / "per_sample.jsonl").read_bytes()


def test_an_interrupted_evaluation_goes_on(boxes, tmp_path):
    asked: list[str] = []

    def draws(wishes, stop_after=10**9):
        asked.extend(w.prompt_id for w in wishes)
        if len(asked) > stop_after:
            raise KeyboardInterrupt
        return [drawing(w.seed % 2**31) for w in wishes]

    suite = SUITE.model_copy(update={"null_sets": 0, "known_bad": (), "novelty": False})
    options = {"data": boxes, "out": tmp_path / "out", "suite": suite, "name": "boxes", "digest": "1"}
    with pytest.raises(KeyboardInterrupt):
        up.evaluate(lambda wishes: draws(wishes, 100), **options, efficiency=False)
    assert not (tmp_path / "out").exists()
    first = len(asked)
    up.evaluate(draws, **options, efficiency=False)
    assert len(asked) - first < 330 - 90, "what was drawn is kept"
    assert report_of(tmp_path / "out").subject.kind == "callable"


def test_a_folder_of_real_pictures_lies_at_no_distance_from_the_reference(boxes, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rows = [json.loads(line) for line in (boxes / "samples.jsonl").read_text().splitlines()]
    held_out = [row for row in rows if row["split"] == "validation"]
    for row in held_out:
        (folder / row["file"]).write_bytes((boxes / row["file"]).read_bytes())
    lines = [{"file_name": r["file"], "prompt": r["caption"], "style": r["style"], "seed": 0} for r in held_out]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = up.evaluate(folder, data=boxes, out=tmp_path / "out", suite=SUITE, efficiency=False, controls=False)
    numbers = {m.metric: m.value for m in report.metrics if m.value is not None}
    assert numbers["kid"] <= 0.0 and numbers["ssim"] == pytest.approx(1.0) and numbers["feature_distance"] == 0.0
    assert report.subject.kind == "folder" and report.subject.n == 160


def test_a_model_is_told_from_a_worse_one_and_not_from_itself(evaluated, boxes, tiny_model, tmp_path, underpaint):
    subject = up.load(tiny_model)

    def grey(wishes):
        return [np.full((SIZE, SIZE, 4), 128, dtype=np.uint8) // (1 + w.seed % 2) for w in wishes]

    up.evaluate(subject, data=boxes, out=tmp_path / "same", suite=SUITE, efficiency=False)
    up.evaluate(grey, data=boxes, out=tmp_path / "grey", suite=SUITE, efficiency=False, name="grey", controls=False)
    policy = tmp_path / "policy.toml"
    policy.write_text(
        'schema = "underpaint.policy/1"\nname = "tiny"\nn_max = 160\nmin_power = 0.5\n[[metrics]]\n'
        'id = "kid@randconv-v1"\ntier = "required"\ndirection = "lower"\nmargin = {absolute = 0.5}\n'
    )
    for candidate, code in (("same", 0), ("grey", 1)):
        done = underpaint("gate", tmp_path / candidate, "--against", evaluated, "--policy", policy, "--json")
        assert done.code == code, done.stderr


def test_models_are_evaluated_on_the_way_to_the_gate(boxes, tiny_model, evaluated, tmp_path):
    policy = parse_policy(
        {
            "schema": "underpaint.policy/1",
            "name": "tiny",
            "n_max": 160,
            "looks": 2,
            "min_power": 0.5,
            "metrics": [
                {"id": "kid@randconv-v1", "tier": "required", "direction": "lower", "margin": {"absolute": 0.5}}
            ],
            "controls": {"null": {"seed_sets": 1}, "known_bad": []},
        },
        source="the test",
        known=("kid",),
    )
    suite, work = SUITE.model_copy(update={"efficiency": "quick"}), tmp_path / "work"
    at = evaluated_at(str(tiny_model), str(tiny_model), policy, suite, boxes, work)
    result = gate_by_looks(at, policy)
    assert result.verdict == "pass" and result.controls.outcomes
    assert {report_of(folder).protocol.num_prompts for folder in work.iterdir()} <= {80, 160}
    assert not any(m.unit == "ms" for folder in work.iterdir() for m in report_of(folder).metrics)
    with pytest.raises(InputError, match="is an evaluation and"):
        evaluated_at(str(evaluated), str(tiny_model), policy, suite, boxes, work)


def test_a_folder_of_few_pictures_has_reasons_in_place_of_numbers(boxes, tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    for number in range(20):
        Image.fromarray(drawing(number)).save(folder / f"{number}.png")
    report = up.evaluate(folder, data=boxes, out=tmp_path / "out", suite=SUITE, efficiency=False)
    distances = [m for m in report.metrics if m.metric.startswith(("fd", "kid", "mmd"))]
    assert distances and all(m.status == "too_few" and "samples" in m.message for m in distances)


def test_bad_arguments_are_refused_before_anything_is_drawn(boxes, tiny_model, tmp_path, underpaint):
    with pytest.raises(InputError, match="cannot evaluate a int"):
        up.evaluate(3, data=boxes, out=tmp_path / "x")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="no control 'jpg'"):
        up.evaluate(tiny_model, data=boxes, out=tmp_path / "x", suite=SUITE.model_copy(update={"known_bad": ("jpg",)}))
    cases = [
        (["evaluate", tiny_model, "--data", boxes], "--out"),
        (["evaluate", tiny_model, "--data", boxes, "--out", tmp_path / "x", "--suite", "quik"], "did you mean 'quick'"),
        (["evaluate", tiny_model, "--data", boxes, "--out", tmp_path / "x", "--guidance", "30"], "between 0 and 20"),
        (["evaluate", tiny_model, "--data", boxes, "--out", tmp_path / "x", "--extractor", "vgg"], "vgg"),
        (["sweep", tiny_model, "--data", boxes, "--out", tmp_path / "x"], "nothing to vary"),
        (
            ["sweep", tiny_model, "--data", boxes, "--out", tmp_path / "x", "--steps", "a"],
            "numbers separated by commas",
        ),
        (["sweep", tiny_model, "--data", boxes, "--out", tmp_path, "--steps", "1"], "exists already"),
        (
            ["sweep", tiny_model, "--data", boxes, "--out", tmp_path / "x", "--steps", "1", "--quality", "kidd"],
            "did you mean 'kid'",
        ),
    ]
    for arguments, words in cases:
        done = underpaint(*arguments)
        assert done.code == 2 and words in done.stderr, (arguments, done.stderr)


def test_pictures_of_several_sizes_are_refused(boxes, tmp_path):
    Image.fromarray(drawing(1)).save(tmp_path / "a.png")
    Image.fromarray(drawing(2)[:16]).save(tmp_path / "b.png")
    with pytest.raises(DataError, match="several sizes"):
        up.evaluate(tmp_path, data=boxes, out=tmp_path / "out", suite=SUITE, efficiency=False)


def test_the_written_prompts_come_back_as_a_folder(boxes, tmp_path, underpaint):
    done = underpaint("evaluate", "--data", boxes, "--write-prompts", tmp_path / "metadata.jsonl", "--json")
    rows = [json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text().splitlines()]
    assert done.code == 0 and done.json["count"] == len(rows) == 200
    for number, row in enumerate(rows):
        Image.fromarray(drawing(number)).save(tmp_path / row["file_name"])
    report = up.evaluate(tmp_path, data=boxes, out=tmp_path / "out", suite=SUITE, efficiency=False, controls=False)
    assert report.protocol.num_prompts == 160


def test_a_sweep_has_a_point_a_combination_and_a_front(boxes, tiny_model, tmp_path, underpaint):
    arguments = ["--guidance", "0,2", "--temperature", "0.5", "--pictures", "128", "--extractor", "randconv-v1"]
    done = underpaint("sweep", tiny_model, "--data", boxes, "--out", tmp_path / "sweep", *arguments, "--json")
    assert done.code == 0, done.stderr
    points = done.json["points"]
    assert [p["settings"] for p in points] == [
        {},
        {"guidance": 0.0, "temperature": 0.5},
        {"guidance": 2.0, "temperature": 0.5},
    ]
    assert any(p["on_front"] for p in points) and points[1]["changes"] and not points[0]["changes"]
    assert {e["factor"] for e in done.json["effects"]} == {"guidance", "temperature"}
    assert (tmp_path / "sweep" / "sweep.html").is_file()


def test_a_graph_is_evaluated_and_gated_like_its_model(evaluated, boxes, tiny_export, tmp_path, underpaint):
    suite = SUITE.model_copy(update={"novelty": False, "varied_prompts": 0})
    report = up.evaluate(tiny_export, data=boxes, out=tmp_path / "graph", suite=suite, efficiency=False)
    assert {c.control for c in report.controls} == {"null-1", "jpeg_10", "shuffled_prompts"}
    left_out = report.findings[-1]
    assert "int4_round_to_nearest" in left_out and "a graph has no networks" in left_out and "tiny" in left_out
    assert report.subject.name == "tiny onnx f32" and report.subject.identity != report_of(evaluated).subject.identity
    ours, theirs = (
        next(m for m in one.metrics if m.metric == "kid" and not m.group) for one in (report, report_of(evaluated))
    )
    assert ours.value == pytest.approx(theirs.value, abs=0.02)
    compared = underpaint("compare", tmp_path / "graph", evaluated, "--out", tmp_path / "compared")
    assert compared.code != 70, compared.stderr


@pytest.mark.slow
def test_a_graph_passes_against_its_model_and_cannot_stand_for_it(boxes, tiny_export, tiny_model, tmp_path):
    policy = parse_policy(
        {
            "schema": "underpaint.policy/1",
            "name": "tiny",
            "n_max": 160,
            "min_power": 0.5,
            "metrics": [
                {"id": "kid@randconv-v1", "tier": "required", "direction": "lower", "margin": {"absolute": 0.5}}
            ],
            "controls": {"known_bad": ["int4_round_to_nearest"]},
        },
        source="the test",
        known=("kid",),
    )
    suite = SUITE.model_copy(update={"novelty": False, "composition": 0, "varied_prompts": 0})
    at = evaluated_at(str(tiny_export), str(tiny_model), policy, suite, boxes, tmp_path / "work")
    (outcome,) = gate_by_looks(at, policy).outcomes
    assert outcome.verdict == "pass" and outcome.delta is not None and abs(outcome.delta) < 0.02
    turned = gate_by_looks(
        evaluated_at(str(tiny_model), str(tiny_export), policy, suite, boxes, tmp_path / "w"), policy
    )
    assert turned.verdict == "indeterminate"
    assert any("int4_round_to_nearest" in reason and "not its graph" in reason for reason in turned.reasons)


def test_a_sweep_of_a_graph_varies_what_it_takes_and_refuses_steps(boxes, tiny_export, tmp_path, underpaint):
    arguments = [tiny_export, "--data", boxes, "--pictures", "128", "--extractor", "randconv-v1", "--json"]
    done = underpaint("sweep", *arguments, "--out", tmp_path / "sweep", "--guidance", "0")
    assert done.code == 0, done.stderr
    assert done.json["subject"]["name"] == "tiny onnx f32" and len(done.json["points"]) == 2
    refused = underpaint("sweep", *arguments, "--out", tmp_path / "steps", "--steps", "2,4")
    assert refused.code == 2 and "unrolled for 2 steps, got 4" in refused.json["error"]["message"]


@pytest.mark.slow
def test_a_model_of_diffusers_is_evaluated_like_ours(boxes: Path, tiny_diffusers, tmp_path: Path) -> None:
    quick = {"main": 4, "composition": 2, "varied_prompts": 0, "null_sets": 0, "known_bad": (), "efficiency": ""}
    suite = SUITE.model_copy(update=quick)
    data = open_data(boxes, suite)
    source = open_source(f"{tiny_diffusers('sd')}?scheduler=ddim", data, suite, sampling=Sampling(steps=1))
    run(suite, source, data, tmp_path / "report")
    report = report_of(tmp_path / "report")
    assert (report.subject.kind, report.subject.name) == ("model", "sd steps 1")
    assert (report.protocol.size, report.protocol.num_prompts) == (16, 4)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_model_of_diffusers_is_compared_gated_and_swept_like_ours(
    boxes: Path, tiny_diffusers, tmp_path: Path, underpaint
) -> None:
    model = f"{tiny_diffusers('lcm')}?size=32x32"
    sizes = {"main": 128, "composition": 0, "varied_prompts": 0, "novelty": False, "null_sets": 0}
    base = SUITE.model_copy(update=sizes | {"known_bad": ("int4_round_to_nearest",)})
    data, own, fewer = open_data(boxes, base), tmp_path / "own", tmp_path / "fewer"
    run(base, open_source(model, data, base), data, own)
    other = base.model_copy(update={"known_bad": ()})
    run(other, open_source(model, data, other, sampling=Sampling(steps=1)), data, fewer)
    reports = (report_of(folder) for folder in (own, fewer))
    values = [{m.id: m.value for m in one.metrics if m.value is not None and not m.group} for one in reports]
    (kid,) = (name for name in values[0] if name.startswith("kid@"))
    assert values[0][kid] != values[1][kid]

    compared = underpaint("compare", own, fewer, "--json").json
    cells = next(row["cells"] for row in compared["rows"] if row["metric"] == "kid")
    assert [cell["value"] for cell in cells] == pytest.approx([value[kid] for value in values], rel=1e-3)
    assert not cells[1]["refused"] and cells[1]["paired_on"] == ["prompt_id", "seed"]

    policy = tmp_path / "policy.toml"
    policy.write_text(
        'schema = "underpaint.policy/1"\nname = "tiny"\nn_max = 128\nmin_power = 0.5\n[[metrics]]\n'
        'id = "kid@randconv-v1"\ntier = "required"\ndirection = "lower"\nmargin = {absolute = 0.01}\n'
        '[controls]\nknown_bad = ["int4_round_to_nearest"]\n'
    )
    judged = underpaint("gate", fewer, "--against", own, "--policy", policy, "--json").json
    (outcome,), (control,) = judged["outcomes"], judged["controls"]["outcomes"]
    assert outcome["delta"] == pytest.approx(values[1][kid] - values[0][kid], rel=0.01)
    assert control["control"] == "int4_round_to_nearest" and control["delta"] != 0.0

    arguments = ["--steps", "1", "--pictures", "128", "--extractor", "randconv-v1", "--json"]
    swept = underpaint("sweep", model, "--data", boxes, "--out", tmp_path / "sweep", *arguments)
    assert swept.code == 0, swept.stderr
    found = [next(m for m in p["metrics"] if m["id"] == kid and not m["group"]) for p in swept.json["points"]]
    assert [m["value"] for m in found] == pytest.approx([value[kid] for value in values])
