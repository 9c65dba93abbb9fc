from __future__ import annotations

import resource
from pathlib import Path

import pytest

from underpaint.core.errors import ArtifactError, InputError, StorageError, StoreBusy
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.frontier_file import Frontier
from underpaint.stages.optimize.search.record import Attempt, Begun, Ready, Tried
from underpaint.stages.optimize.search.trial_log import (
    TRIALS,
    TrialLog,
    is_written,
    remove_workspace,
    row_of,
    workspace,
)


def begun(**changes: str) -> Begun:
    values = {"key": "k", "base": "b", "judge": "j", "data": "d", "host": "h", "host_class": "x86-vnni", **changes}
    return Begun.model_validate({**values, "config": SearchConfig()})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    log = TrialLog(tmp_path / "new" / "trials.jsonl")
    log.begin(begun())
    log.add(Ready.model_validate({"readiness": {}, "seconds": 1.5}))
    log.close()
    return log.path


def test_rows_come_back_as_they_were_written(path: Path) -> None:
    log = TrialLog(path)
    assert [row.row for row in log.rows] == ["begun", "ready"]
    assert log.seconds == 1.5
    log.close()


def test_the_searches_that_the_docs_show_are_read_and_hold_what_their_record_says() -> None:
    folder = Path(__file__).parents[4] / "docs/examples/optimize-stickers-64"
    frontier = Frontier.model_validate_json((folder / "frontier.json").read_text())
    without = ("trials-refused.jsonl", "trials-undecided.jsonl")
    rows = {
        name: [row_of(line, name) for line in (folder / name).read_bytes().splitlines()] for name in (TRIALS, *without)
    }
    assert [row.trial.id for row in rows[TRIALS] if isinstance(row, Tried)] == [one.id for one in frontier.trials]
    verdicts = {
        name: [row.judgement.verdict for row in found if isinstance(row, Attempt)] for name, found in rows.items()
    }
    assert verdicts[TRIALS][-1] == "pass"
    assert not any("pass" in verdicts[name] for name in without)


def test_a_row_that_was_cut_off_is_taken_away_and_can_be_written_again(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    log = TrialLog(path)
    assert log.ready is None
    log.add(Ready.model_validate({"readiness": {}, "seconds": 1.5}))
    log.close()
    assert path.read_bytes() == whole


def test_a_damaged_row_in_the_middle_is_named(path: Path) -> None:
    path.write_bytes(b'{"row": "base"}\n' + path.read_bytes())
    with pytest.raises(ArtifactError, match=r"line 1 is no row of a search .*latency_ms.*; choose another --out"):
        TrialLog(path)


@pytest.mark.parametrize("kept", [["candidates", "base.npy"], ["base.npy"], []])
def test_a_removal_that_is_ended_anywhere_is_known_by_the_log_which_goes_last(tmp_path: Path, kept: list[str]) -> None:
    out, folder = tmp_path / "fast", workspace(tmp_path / "fast")
    for place in (out, folder):
        place.mkdir()
        (place / TRIALS).write_text("{}\n")
    for name in kept:
        (folder / name / "of").mkdir(parents=True) if name == "candidates" else (folder / name).write_text("")
    order = list[list[str]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, **_: order.append([path.name]))
        patch.setattr("shutil.rmtree", lambda path, **_: order.append([path.name, *map(str, [is_written(out)])]))
        remove_workspace(folder)
    assert order[-1] == [folder.name, "True"] and sorted(names[0] for names in order[:-1]) == sorted(kept)
    assert is_written(out)
    remove_workspace(folder)
    assert not folder.exists() and not is_written(out) and out.is_dir()


def test_two_searches_at_once_are_refused(path: Path) -> None:
    log = TrialLog(path)
    with pytest.raises(StoreBusy, match="held by another search"):
        TrialLog(path)
    log.close()


def test_the_log_of_another_search_is_refused_with_what_differs(path: Path) -> None:
    log = TrialLog(path)
    with pytest.raises(InputError, match="belongs to a search with another model; choose another --out"):
        log.begin(begun(key="other", base="other"))
    with pytest.raises(InputError, match=r"with another machine \(or other engines, or another OMP_NUM_THREADS"):
        log.begin(begun(key="other", host="other"))
    with pytest.raises(InputError, match="belongs to a search with other settings or rivals; choose another --out"):
        log.begin(begun(key="other"))
    log.begin(begun())
    log.close()


def test_a_row_that_cannot_be_written_is_told_once_and_the_log_is_let_go(path: Path) -> None:
    whole = path.read_bytes()
    log = TrialLog(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole), hard))
    try:
        with pytest.raises(StorageError):
            log.add(Ready.model_validate({"readiness": {}, "seconds": 2.5}))
        log.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    again = TrialLog(path)
    assert [row.row for row in again.rows] == ["begun", "ready"]
    again.close()
