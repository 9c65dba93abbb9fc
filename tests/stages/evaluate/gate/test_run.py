from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.config import digest_of
from underpaint.core.errors import ArtifactError, ComparisonError, PolicyError
from underpaint.core.policy import Policy
from underpaint.stages.evaluate.gate.run import gate_by_looks, run_gate
from underpaint.stages.evaluate.gate.text import summary
from underpaint.stages.evaluate.gate.verdict import GateResult, Outcome
from underpaint.stages.evaluate.record import PictureRecord

Make = Callable[..., Path]
MakePolicy = Callable[..., Policy]
EXTRACTOR = "evaluator-64:0a1b2c3d"


def rule(id_: str, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "tier": "required", "direction": "lower", **fields}


ACCURACY = rule("attribute_accuracy@evaluator-64", group="worst", direction="higher", margin={"absolute": 0.03})
LATENCY = rule("latency_p95_ms", margin={"relative": 0.05})
MEMORY = rule("peak_rss_mb", mode="limit", limit=1000)
FD = rule("fd_pca16@evaluator-64", margin={"relative": 0.1})


def set_metric(name: str, /, **fields: Any) -> Callable[[dict[str, Any]], None]:
    def edit(report: dict[str, Any]) -> None:
        for measurement in report["metrics"]:
            if measurement["metric"] == name:
                measurement.update(fields)

    return edit


def set_report(**fields: Any) -> Callable[[dict[str, Any]], None]:
    def edit(report: dict[str, Any]) -> None:
        for key, value in fields.items():
            report[key] = {**report[key], **value} if isinstance(report[key], dict) else value

    return edit


def one(result: GateResult, metric: str) -> Outcome:
    return next(outcome for outcome in result.outcomes if outcome.id.startswith(metric))


def test_a_model_passes_against_itself(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation()
    result = run_gate(folder, folder, policy())
    assert (result.verdict, result.exit_code) == ("pass", 0)
    fd = one(result, "fd_pca16")
    assert (fd.delta, fd.paired_on) == (0.0, ("prompt_id", "seed"))
    assert fd.se == pytest.approx(0.0, abs=1e-12)
    assert fd.margin == pytest.approx(0.1 * 0.29)
    assert result.controls.insensitive == result.controls.untrusted == result.controls.missing == ()


def test_pairing_makes_a_small_difference_decidable(evaluation: Make, policy: MakePolicy) -> None:
    base, other = evaluation("a", spread=0.3), evaluation("b", spread=0.3, own_seed=2)
    paired = run_gate(other, base, policy())
    unpaired = run_gate(other, base, policy(pair_on=[]))
    assert (paired.verdict, unpaired.verdict) == ("pass", "indeterminate")
    first, second = one(paired, "fd_pca16"), one(unpaired, "fd_pca16")
    assert first.se is not None
    assert second.se is not None
    assert first.se < second.se / 2
    assert "pictures would" in second.reason
    assert unpaired.samples_needed is not None
    assert unpaired.samples_needed > 200


def test_a_worse_model_fails_and_is_named(evaluation: Make, policy: MakePolicy) -> None:
    result = run_gate(evaluation("b", fd=0.39, own_seed=2), evaluation("a"), policy())
    assert (result.verdict, result.exit_code) == ("fail", 1)
    assert one(result, "fd_pca16").beyond_margin
    assert result.reasons == (f"fd_pca16@{EXTRACTOR} is worse, beyond the margin",)
    assert summary(result).startswith("FAIL: b against a, policy tiny, look 1 of 1")


def test_higher_is_better_turns_the_sign(evaluation: Make, policy: MakePolicy) -> None:
    base = evaluation("a")
    better = run_gate(evaluation("b", precision=0.85), base, policy())
    worse = run_gate(evaluation("c", precision=0.7), base, policy())
    assert (better.verdict, worse.verdict) == ("pass", "fail")
    assert one(better, "r_precision").delta == pytest.approx(-0.05)
    assert one(worse, "r_precision").delta == pytest.approx(0.1)


def drawn_by(name: str) -> Callable[[list[PictureRecord]], list[PictureRecord]]:
    return lambda pictures: [p.model_copy(update={"sha256": digest_of([name, p.image_id])}) for p in pictures]


@pytest.mark.parametrize(("other", "verdict"), [("a", "pass"), ("b", "indeterminate")], ids=["same", "others"])
def test_no_error_at_all_is_believed_of_the_same_pictures_only(
    evaluation: Make, policy: MakePolicy, other: str, verdict: str
) -> None:
    folders = [
        evaluation(
            name, n=40, spread=0.0, own=0.0, edit=set_metric("r_precision", value=1.0), edit_pictures=drawn_by(by)
        )
        for name, by in (("b", other), ("a", "a"))
    ]
    rules = [rule("r_precision@evaluator-64", direction="higher", margin={"absolute": 0.03})]
    outcome = one(run_gate(folders[0], folders[1], policy(metrics=rules, controls={})), "r_precision")
    assert (outcome.delta, outcome.verdict) == (0.0, verdict)


def test_a_constant_score_of_other_pictures_decides_nothing(evaluation: Make, policy: MakePolicy) -> None:
    edit = set_metric("r_precision", value=7.0)
    folders = [evaluation(name, spread=0.0, own=0.0, edit=edit, edit_pictures=drawn_by(name)) for name in ("b", "a")]
    rules = [rule("r_precision@evaluator-64", direction="higher", margin={"absolute": 0.03})]
    outcome = one(run_gate(folders[0], folders[1], policy(metrics=rules, controls={})), "r_precision")
    assert (outcome.se, outcome.verdict) == (0.0, "indeterminate")
    assert "no picture differs" in outcome.reason


@pytest.mark.parametrize(("n", "verdict"), [(30, "indeterminate"), (300, "pass")])
def test_a_score_that_no_picture_changed_needs_pictures_enough(
    evaluation: Make, policy: MakePolicy, n: int, verdict: str
) -> None:
    folders = [evaluation(name, n=n, own=0.0, edit_pictures=drawn_by(name)) for name in ("b", "a")]
    rules = [rule("r_precision@evaluator-64", direction="higher", margin={"absolute": 0.03})]
    outcome = one(run_gate(folders[0], folders[1], policy(metrics=rules, controls={})), "r_precision")
    assert (outcome.delta, outcome.verdict) == (0.0, verdict) and (outcome.se or 0.0) > 0.0


def test_equivalence_refuses_what_is_much_better(evaluation: Make, policy: MakePolicy) -> None:
    rules = [{**FD, "mode": "equivalence"}]
    base = evaluation("a")
    assert run_gate(evaluation("b", own_seed=2), base, policy(metrics=rules)).verdict == "pass"
    assert run_gate(evaluation("c", fd=0.2), base, policy(metrics=rules)).verdict == "fail"


RECALL = rule("recall@evaluator-64", direction="higher", margin={"absolute": 0.15})


@pytest.mark.parametrize("pair_on", [[], ["prompt_id"], ["prompt_id", "seed"]], ids=len)
def test_a_score_of_the_reference_is_paired_on_its_pictures(
    evaluation: Make, policy: MakePolicy, pair_on: list[str]
) -> None:
    sides = [evaluation(name, recall=0.8, edit_pictures=drawn_by(name)) for name in ("b", "a")]
    worse = evaluation("c", recall=0.5, edit_pictures=drawn_by("c"))
    rules = policy(metrics=[RECALL], controls={}, pair_on=pair_on)
    same, lost = (one(run_gate(folder, sides[1], rules), "recall") for folder in (sides[0], worse))
    assert (same.verdict, lost.verdict) == ("pass", "fail")
    assert same.se is not None
    assert 2**0.5 / 52 <= same.se < (2 * 0.8 * 0.2 / 50) ** 0.5


def test_scores_of_the_reference_need_as_many_pictures_of_the_same_prompts(
    evaluation: Make, policy: MakePolicy
) -> None:
    rules = policy(metrics=[RECALL], controls={}, pair_on=["prompt_id"])
    base = evaluation("a", recall=0.8)
    refused(evaluation("b", recall=0.8, n=150), base, rules, "different prompts")
    more = evaluation("c", recall=0.8, edit=set_metric("recall", n=400))
    refused(more, base, rules, "200 of the baseline against 400")


def test_the_worst_slice_decides(evaluation: Make, policy: MakePolicy) -> None:
    rules, base = [FD, ACCURACY], evaluation("a")
    assert run_gate(evaluation("b"), base, policy(metrics=rules)).verdict == "pass"
    result = run_gate(evaluation("c", accuracy=(0.95, 0.6)), base, policy(metrics=rules))
    assert result.verdict == "fail"
    assert [o.group for o in result.outcomes if o.verdict == "fail"] == ["style=cartoon"]


def test_a_slice_with_too_few_pictures_is_not_gated(evaluation: Make, policy: MakePolicy) -> None:
    def thin(report: dict[str, Any]) -> None:
        report["metrics"][3].update(status="too_few", value=None)

    result = run_gate(evaluation("b", edit=thin), evaluation("a"), policy(metrics=[FD, ACCURACY]))
    assert [o.group for o in result.outcomes if o.id.startswith("attribute")] == ["style=flat"]
    assert any("too few pictures to judge style=cartoon (too_few, n 100)" in note for note in result.notes)
    turned = run_gate(evaluation("c"), evaluation("d", edit=thin), policy(metrics=[FD, ACCURACY]))
    assert any("style=cartoon" in note for note in turned.notes)


@pytest.mark.parametrize(
    ("latency", "verdict"), [(49.0, "pass"), (52.0, "indeterminate"), (60.0, "fail")], ids=["faster", "near", "slower"]
)
def test_latency_is_compared_as_a_ratio(evaluation: Make, policy: MakePolicy, latency: float, verdict: str) -> None:
    result = run_gate(evaluation("b", latency=latency), evaluation("a"), policy(metrics=[FD, LATENCY]))
    outcome = one(result, "latency")
    assert (outcome.verdict, outcome.scale, result.verdict) == (verdict, "log ratio", verdict)
    assert outcome.relative == pytest.approx(latency / 50 - 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"environment": {"noisy": True}}, "not quiet"),
        ({"environment": {"cpu": "Other 2"}}, "'Tiny 1' against 'Other 2'"),
        ({"environment": {"cores": 4}}, "cores 2 against 4"),
        ({"environment": {"cpu": None}}, "does not say which processor"),
    ],
    ids=["noisy", "cpu", "cores", "unknown"],
)
def test_times_of_different_or_busy_machines_decide_nothing(
    evaluation: Make, policy: MakePolicy, changes: dict[str, Any], words: str
) -> None:
    folder = evaluation("b", latency=10.0, edit=set_report(**changes))
    result = run_gate(folder, evaluation("a"), policy(metrics=[FD, LATENCY]))
    assert (result.verdict, result.exit_code) == ("indeterminate", 2)
    assert words in one(result, "latency").reason


def test_a_figure_without_interval_decides_nothing(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation("b", edit=set_metric("latency_p95_ms", interval=None))
    assert "no interval" in one(run_gate(folder, evaluation("a"), policy(metrics=[FD, LATENCY])), "latency").reason


@pytest.mark.parametrize(
    ("rss", "verdict"), [(970.0, "pass"), (990.0, "indeterminate"), (1050.0, "fail")], ids=["below", "near", "above"]
)
def test_a_limit_looks_at_the_bound_of_the_interval(
    evaluation: Make, policy: MakePolicy, rss: float, verdict: str
) -> None:
    result = run_gate(evaluation("b", rss=rss), evaluation("a"), policy(metrics=[FD, MEMORY]))
    outcome = one(result, "peak_rss")
    assert (outcome.verdict, outcome.margin) == (verdict, 1000.0)
    assert outcome.high == pytest.approx(rss + 20)


@pytest.mark.parametrize(("limit", "verdict"), [(0.25, "indeterminate"), (0.36, "pass"), (0.10, "fail")])
def test_the_bounds_of_a_limit_widen_around_the_value_without_bias(
    evaluation: Make, policy: MakePolicy, limit: float, verdict: str
) -> None:
    biased = {"value": 0.5, "value_debiased": 0.25, "se": 0.0255}
    edit = set_metric("fd_pca16", **biased, interval={"low": 0.20, "high": 0.30, "method": "jackknife"})
    rules = [rule("fd_pca16@evaluator-64", mode="limit", limit=limit), {**LATENCY, "tier": "advisory"}]
    result = run_gate(evaluation("b", edit=edit), evaluation("a"), policy(metrics=rules, looks=3, n_max=600))
    outcome = one(result, "fd_pca16")
    reach = 0.05 * 2.962 / 1.960
    assert (outcome.delta, outcome.verdict) == (0.25, verdict)
    assert (outcome.low, outcome.high) == pytest.approx((0.25 - reach, 0.25 + reach), rel=1e-3)


def test_a_busy_machine_does_not_change_memory(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation("b", edit=set_report(environment={"noisy": True}))
    assert one(run_gate(folder, evaluation("a"), policy(metrics=[FD, MEMORY])), "peak_rss").verdict == "pass"


def test_energy_counts_only_as_the_policy_accepts_it(evaluation: Make, policy: MakePolicy) -> None:
    energy = rule("energy_j_per_image", margin={"relative": 0.1}, accept_methods=["counter", "sampled"])
    rules, base = [FD, {**energy, "tier": "supporting"}], evaluation("a")
    assert one(run_gate(evaluation("b"), base, policy(metrics=rules)), "energy").verdict == "pass"
    result = run_gate(evaluation("c", energy="modelled"), base, policy(metrics=rules))
    assert one(result, "energy").verdict == "indeterminate"
    assert "modelled" in one(result, "energy").reason
    assert result.verdict == "pass", "what supports and is undecided holds nothing up"


def test_a_supporting_metric_that_fails_keeps_the_gate_shut(evaluation: Make, policy: MakePolicy) -> None:
    result = run_gate(
        evaluation("b", latency=70.0), evaluation("a"), policy(metrics=[FD, {**LATENCY, "tier": "supporting"}])
    )
    assert (result.verdict, result.reasons) == ("indeterminate", ("latency_p95_ms (supporting) is worse",))


def test_an_advisory_metric_is_only_shown(evaluation: Make, policy: MakePolicy) -> None:
    advisory = {**LATENCY, "tier": "advisory"}
    del advisory["margin"]
    result = run_gate(evaluation("b", latency=70.0), evaluation("a"), policy(metrics=[FD, advisory]))
    assert result.verdict == "pass"
    assert one(result, "latency").relative == pytest.approx(0.4)


@pytest.mark.parametrize("status", ["too_few", "degenerate", "failed", "not_applicable"])
def test_a_number_that_could_not_be_measured_is_never_a_pass(evaluation: Make, policy: MakePolicy, status: str) -> None:
    broken = evaluation("b", edit=set_metric("fd_pca16", status=status, value=None, message="because"))
    result = run_gate(broken, evaluation("a"), policy())
    assert result.verdict == "indeterminate"
    assert one(result, "fd_pca16").reason == f"b: {status}: because"


def test_the_null_control_must_pass(evaluation: Make, policy: MakePolicy) -> None:
    base = evaluation("a", null_delta=0.05)
    result = run_gate(evaluation("b"), base, policy())
    assert result.verdict == "indeterminate"
    assert result.controls.untrusted == (f"fd_pca16@{EXTRACTOR}", f"r_precision@{EXTRACTOR}")
    assert "does not pass against itself" in result.reasons[0]
    worse = run_gate(evaluation("c", fd=0.4), base, policy())
    assert worse.verdict == "indeterminate", "an untrusted metric proves nothing"


def test_a_known_bad_control_must_fail_somewhere(evaluation: Make, policy: MakePolicy) -> None:
    base = evaluation("a", bad_delta=0.001)
    result = run_gate(evaluation("b"), base, policy())
    assert (result.verdict, result.controls.insensitive) == ("indeterminate", ("jpeg_10",))
    assert run_gate(evaluation("c", fd=0.4), base, policy()).verdict == "fail"


@pytest.mark.parametrize(
    ("controls", "missing"),
    [
        ({"known_bad": ["two_steps"]}, "two_steps"),
        ({"null": {"seed_sets": 3}}, "null (1 of 3 seed sets)"),
    ],
    ids=["known-bad", "null"],
)
def test_a_control_that_was_not_drawn_caps_the_verdict(
    evaluation: Make, policy: MakePolicy, controls: dict[str, Any], missing: str
) -> None:
    folder = evaluation()
    result = run_gate(folder, folder, policy(controls=controls))
    assert (result.verdict, result.controls.missing) == ("indeterminate", (missing,))
    assert "underpaint evaluate" in result.reasons[0]


def test_a_policy_without_controls_says_so(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation()
    result = run_gate(folder, folder, policy(controls={}))
    assert result.verdict == "pass"
    assert "no controls" in result.notes[0]


def refused(candidate: Path, baseline: Path, policy: Policy, *words: str) -> None:
    with pytest.raises(ComparisonError) as caught:
        run_gate(candidate, baseline, policy)
    for word in words:
        assert word in str(caught.value)


def test_other_weights_of_an_extractor_are_not_compared(evaluation: Make, policy: MakePolicy) -> None:
    sides = {
        name: evaluation(name, edit=set_metric("fd_pca16", metric="kid", id=f"kid@{extractor}", extractor=extractor))
        for name, extractor in (("b", "evaluator-64:99999999"), ("a", EXTRACTOR))
    }
    kid = [rule("kid@evaluator-64", margin={"absolute": 0.1})]
    refused(sides["b"], sides["a"], policy(metrics=kid), "99999999", "0a1b2c3d", "same extractor")


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"version": 2}, ("versions", "2 against 1")), ({"reference": "s" * 64}, ("references", "ssss", "rrrr"))],
    ids=["version", "reference"],
)
def test_numbers_measured_differently_are_not_compared(
    evaluation: Make, policy: MakePolicy, fields: dict[str, Any], words: tuple[str, ...]
) -> None:
    refused(evaluation("b", edit=set_metric("fd_pca16", **fields)), evaluation("a"), policy(), *words)


def test_other_prompts_are_not_compared(evaluation: Make, policy: MakePolicy) -> None:
    refused(evaluation("b", n=150), evaluation("a"), policy(), "different prompts", "150 prompts", "200 prompts")
    refused(evaluation("c", n=150), evaluation("d"), policy(pair_on=[]), "stand on one side only")


def test_pictures_of_another_size_are_not_compared(evaluation: Make, policy: MakePolicy) -> None:
    refused(evaluation("b", edit=set_report(protocol={"size": 32})), evaluation("a"), policy(), "32", "64")


def test_a_baseline_without_seeds_is_paired_on_prompts_only(evaluation: Make, policy: MakePolicy) -> None:
    candidate, base = evaluation("b", own_seed=2), evaluation("a", seeds=False)
    refused(candidate, base, policy(), "without seeds", "pair_on: [prompt_id]")
    result = run_gate(candidate, base, policy(pair_on=["prompt_id"]))
    assert one(result, "fd_pca16").paired_on == ("prompt_id",)
    assert result.verdict == "pass"


def test_a_required_metric_that_was_not_measured_is_refused(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation()
    refused(folder, folder, policy(metrics=[rule("kid@evaluator-64", margin={"absolute": 0.1})]), "holds no 'kid@")
    refused(folder, folder, policy(metrics=[rule("fd_pca16@randconv-v1", margin={"absolute": 0.1})]), FD["id"])
    advisory = {**rule("kid@evaluator-64"), "tier": "advisory"}
    assert run_gate(folder, folder, policy(metrics=[FD, advisory])).verdict == "pass"


def test_the_wrong_direction_is_refused(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation()
    with pytest.raises(PolicyError, match="write direction: lower"):
        run_gate(folder, folder, policy(metrics=[{**FD, "direction": "higher"}]))


ARTIFACT, PROMPTS = "5" * 64, "6" * 64
CARD = {"name": "evaluator-64", "weights_sha256": "f" * 64, "classes": {"style": ["flat", "cartoon"]}}


def judged(**lineage: str) -> Callable[[dict[str, Any]], None]:
    """An evaluation of a model by an evaluator whose card names its artifact."""
    return set_report(
        subject={"lineage": lineage},
        extractors={EXTRACTOR: {**CARD, "artifact_digest": ARTIFACT}},
        protocol={"prompts_digest": PROMPTS},
    )


@pytest.mark.parametrize(
    ("ancestor", "words"),
    [
        ("0a1b2c3d" + "7" * 56, "evaluator-64:0a1b2c3d"),
        ("f" * 64, "evaluator-64"),
        (ARTIFACT, "evaluator-64"),
        (digest_of(CARD), "evaluator-64"),
        (PROMPTS, "the list of prompts"),
        ("r" * 64, "the reference pictures"),
    ],
    ids=["key", "weights", "artifact", "card", "prompts", "reference"],
)
def test_a_pupil_is_not_judged_by_its_teacher(evaluation: Make, policy: MakePolicy, ancestor: str, words: str) -> None:
    pupil = evaluation("b", edit=judged(dataset="e" * 64, reward=ancestor))
    refused(pupil, evaluation("a", edit=judged()), policy(), words, "reward")


def test_a_model_is_measured_on_the_data_set_it_was_trained_on(evaluation: Make, policy: MakePolicy) -> None:
    """As ``build``, ``train`` and ``gate`` make it: the data set, with its test split, is the parent of the model."""
    edit = judged(dataset="e" * 64, vae="1" * 64, tokenizer="2" * 64)
    assert run_gate(evaluation("b", edit=edit), evaluation("a", edit=edit), policy()).verdict == "pass"


def test_an_evaluator_without_artifact_refuses_nobody(evaluation: Make, policy: MakePolicy) -> None:
    edit = set_report(subject={"lineage": {"dataset": "e" * 64}}, extractors={EXTRACTOR: {"artifact_digest": ""}})
    assert run_gate(evaluation("b", edit=edit), evaluation("a"), policy()).verdict == "pass"


def test_a_share_of_a_value_below_zero_is_no_margin(evaluation: Make, policy: MakePolicy) -> None:
    base = evaluation("a", edit=set_metric("fd_pca16", value_debiased=-0.001))
    outcome = one(run_gate(evaluation("b"), base, policy()), "fd_pca16")
    assert outcome.verdict == "indeterminate"
    assert "absolute margin" in outcome.reason


def test_what_can_never_be_decided_is_called_underpowered(evaluation: Make, policy: MakePolicy) -> None:
    narrow = {**FD, "margin": {"relative": 0.001}}
    result = run_gate(evaluation("b", own_seed=2), evaluation("a"), policy(metrics=[narrow]))
    assert one(result, "fd_pca16").reason.startswith("underpowered")


def test_a_changed_artifact_is_refused(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation()
    (folder / "report.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError, match="differs from its manifest"):
        run_gate(folder, folder, policy())


def test_influences_must_belong_to_the_pictures(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation("b", edit_pictures=lambda pictures: pictures[1:])
    with pytest.raises(ArtifactError, match="do not fit its pictures"):
        run_gate(folder, folder, policy())


def test_whoever_looks_early_pays(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation()
    looks = [run_gate(folder, folder, policy(looks=3, n_max=n)) for n in (600, 300, 200)]
    assert [result.look for result in looks] == [1, 2, 3]
    assert [round(result.outcomes[0].z, 2) for result in looks] == [2.96, 2.09, 1.71]
    with pytest.raises(ComparisonError, match="give 1 to 3"):
        run_gate(folder, folder, policy(looks=3), look=4)


def test_more_is_drawn_until_it_is_decided(evaluation: Make, policy: MakePolicy) -> None:
    asked = []

    def evaluate_at(n: int) -> tuple[Path, Path]:
        asked.append(n)
        pair = (f"b{n}", {"own": 0.25, "own_seed": 2}), (f"a{n}", {"own": 0.25})
        return tuple(evaluation(name, n=n, **options) for name, options in pair)  # pyright: ignore[reportReturnType]

    result = gate_by_looks(evaluate_at, policy(looks=3, n_max=1200, controls={}, metrics=[FD]))
    assert result.verdict == "pass"
    assert asked == [400, 800]


def test_nothing_is_drawn_for_what_cannot_be_decided(evaluation: Make, policy: MakePolicy) -> None:
    asked = []

    def evaluate_at(n: int) -> tuple[Path, Path]:
        asked.append(n)
        return evaluation(f"b{n}", n=n, own_seed=2), evaluation(f"a{n}", n=n)

    narrow = {**FD, "margin": {"relative": 0.001}}
    assert gate_by_looks(evaluate_at, policy(looks=3, n_max=300, metrics=[narrow])).verdict == "indeterminate"
    assert asked == [100]


def test_seeds_of_the_same_prompts_are_noted(evaluation: Make, policy: MakePolicy) -> None:
    folder = evaluation(edit=set_report(protocol={"num_seeds": 3}))
    assert any(note.startswith("3 pictures a prompt: more seeds") for note in run_gate(folder, folder, policy()).notes)


@pytest.mark.parametrize(("year", "older"), [(2025, True), (2027, False)])
def test_a_policy_newer_than_the_candidate_is_noted(
    evaluation: Make, policy: MakePolicy, year: int, older: bool
) -> None:
    folder = evaluation()
    result = run_gate(folder, folder, policy(), policy_written=datetime(year, 1, 1, tzinfo=UTC))
    assert result.policy_older_than_candidate is older
    assert bool(result.notes) is not older
    assert run_gate(folder, folder, policy()).policy_older_than_candidate is None
