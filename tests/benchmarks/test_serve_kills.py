"""Laws of the benchmark that kills servers: it sees what is lost, doubled or out of order; a few kills lose nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from underpaint.pipelines.picture_file import pixel_digest
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import open_queue

JOBS = 4


@pytest.fixture(scope="module")
def kills(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("serve_kills")


@pytest.fixture(scope="module")
def verdict(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("serve_kills_verdict")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a picture for each job, of a color of its own."""
    for number in range(JOBS):
        image = Image.new("RGBA", (2, 2), (number, 0, 0, 255))
        digest = pixel_digest(image)
        folder = tmp_path / "pictures" / digest[:2]
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{digest}.png")
    return tmp_path / "pictures"


@pytest.fixture
def told(load_benchmark: Callable[[str], ModuleType], verdict: ModuleType, pictures: Path, tmp_path: Path) -> Any:
    """Jobs that were all done as they should be, and what clients were told of them."""
    ledger = load_benchmark("serve_kills_clients").Ledger()
    digests = [pixel_digest(Image.open(path)) for path in sorted(pictures.glob("*/*.png"))]
    queue = open_queue(tmp_path / "jobs.sqlite")
    for number in range(JOBS):
        asked = {"prompt": "a cat", "seed": number}
        ledger.asked[f"k{number}"] = asked
        ledger.accepted(f"k{number}", queue.submit(Submission(owner="ann", request=asked))[0].id)
    for digest in digests:
        (job,) = queue.claim("w")
        image = {"seed": job.request["seed"], "pixel_sha256": digest}
        queue.finish(job.lease, {"images": [image]})
    found = verdict.histories(queue)
    queue.close()
    return found, ledger


def test_nothing_is_wrong_where_every_job_was_done_once(verdict, told, pictures):
    found, ledger = told
    assert verdict.mistakes(found, ledger, [], pictures) == []
    assert verdict.displaced(found, "interactive") == {"started": 0, "finished": 0}


def test_what_is_lost_doubled_or_another_is_seen(verdict, told, pictures):
    found, ledger = told
    first = found[0]

    def wrong(*histories: Any) -> str:
        return "\n".join(verdict.mistakes(histories, ledger, [], pictures))

    assert "the job of k0 is not there" in wrong(*found[1:])
    assert "belongs to no job" in wrong(*found[1:])
    twice = replace(first, events=[*first.events, first.events[-1]])
    assert "its events are" in wrong(twice, *found[1:])
    failed = replace(first, job=replace(first.job, state="failed", error="lost"))
    assert "it is failed (lost)" in wrong(failed, *found[1:])
    other = replace(first, job=replace(first.job, request={"prompt": "a cat", "seed": 9}))
    assert "asks for something else" in wrong(other, *found[1:])
    ledger.accepted("k1", "job-other")
    ledger.ends["request: hung"] += 1
    ledger.ends["keyed request: 1 pictures"] += 1
    said = wrong(*found)
    assert "k1 was answered with two jobs" in said and "hung" in said and "1 pictures" in said


def test_pictures_that_are_gone_or_others_are_seen(verdict, told, pictures):
    found, ledger = told
    first, second = sorted(pictures.glob("*/*.png"))[:2]
    second.write_bytes(first.read_bytes())
    first.unlink()
    said = verdict.mistakes(found, ledger, [], pictures)
    assert any("is not there" in one for one in said) and any("has other pixels" in one for one in said)


def test_work_out_of_its_order_is_measured_and_judged(verdict, told, pictures):
    found, ledger = told
    late = replace(found[0], job=replace(found[0].job, finished_at=found[-1].job.finished_at + 1))
    assert verdict.displaced([late, *found[1:]], "interactive")["finished"] == JOBS - 1
    said = verdict.mistakes([late, *found[1:]], ledger, [], pictures)
    assert said == [f"interactive jobs finished up to {JOBS - 1} places out of their order"]
    begin, following = (one.at("job.started")[0] for one in found[:2])
    assert verdict.started_while_paused(found, [(begin - 1, following)]) == 1


def test_a_job_may_end_beside_the_one_that_is_worked_on_with_it_and_after_one_that_waited_for_its_model(verdict, told):
    found, _ = told
    first, second, *others = found
    beside = replace(first, job=replace(first.job, finished_at=second.job.finished_at + 1e-6))
    assert verdict._of_the_order([beside, second, *others]) == []
    late = replace(first, job=replace(first.job, finished_at=found[-1].job.finished_at + 1))
    for reason, is_wrong in (("the worker w was lost", True), ("the engine process ended with -9", False)):
        again = replace(first.events[0], name="job.requeued", body={"reason": reason})
        put_back = replace(late, events=[*late.events, again])
        assert bool(verdict._of_the_order([put_back, second, *others])) == is_wrong


def test_batches_that_miss_answers_are_seen(verdict, told, pictures):
    found, ledger = told
    ledger.batches["b"] = ["one", "two"]
    batch = {"id": "b", "status": "completed", "request_counts": {"completed": 1, "failed": 0}}
    short = {**batch, "answers": [{"custom_id": "one"}]}
    assert "b has the answers" in "\n".join(verdict.mistakes(found, ledger, [short], pictures))
    assert "b is not there" in "\n".join(verdict.mistakes(found, ledger, [], pictures))


def test_kills_of_all_kinds_are_as_many_as_asked_for(kills):
    kinds = kills.schedule(50, 50, random.Random(1))
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
        "engine": 50,
        "paused": 6,
        "server": 34,
        "starting": 10,
    }
    assert kinds == kills.schedule(50, 50, random.Random(1))
    kinds = kills.schedule(15, 5, random.Random(1), starting=10)
    assert sorted(kinds) == ["engine"] * 5 + ["server"] * 5 + ["starting"] * 10


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_server_that_is_killed_in_every_way_keeps_all_that_it_accepted(kills, tmp_path):
    found = kills.run(tmp_path, ["paused", "engine", "starting"], seed=2, options=[], place=None)
    assert found["mistakes"] == []
    assert found["work"]["keys"] > 0 and found["work"]["batches"] > 0
    assert found["out_of_order"]["interactive"]["finished"] <= 1
