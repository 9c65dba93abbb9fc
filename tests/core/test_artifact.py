from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.core import artifact
from underpaint.core.artifact import MANIFEST, Manifest, read_manifest, seal, staging, storage_errors, verify
from underpaint.core.config import Config
from underpaint.core.errors import ArtifactError, InputError, StorageError
from underpaint.core.progress import Progress


class Settings(Config):
    size: int = 64


def write(target: Path, *, text: str = "words", size: int = 64, parents: dict[str, str] | None = None) -> Manifest:
    with staging(target) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "captions.txt").write_text(text, encoding="utf-8")
        (folder / "index.json").write_text("{}", encoding="utf-8")
        return seal(
            folder, kind="dataset", stage="data", config=Settings(size=size), parents=parents or {}, figures={"n": 1}
        )


@pytest.fixture
def made(tmp_path: Path) -> Path:
    write(tmp_path / "made", parents={"source": "ab" * 32})
    return tmp_path / "made"


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    change(values)
    (folder / MANIFEST).write_text(json.dumps(values), encoding="utf-8")


def test_what_was_sealed_is_read_back_and_verified(tmp_path: Path) -> None:
    manifest = write(tmp_path / "made")
    assert verify(tmp_path / "made", kind="dataset") == manifest
    assert set(manifest.files) == {"index.json", "sub/captions.txt"}
    assert manifest.files["sub/captions.txt"].bytes == 5
    assert {"python", "underpaint"} <= set(manifest.versions)


def test_the_same_work_has_the_same_digest_whenever_and_wherever(tmp_path: Path) -> None:
    first, second = write(tmp_path / "first"), write(tmp_path / "deep" / "second")
    os.utime(tmp_path / "first" / "index.json", (0, 0))
    assert first.digest == second.digest == verify(tmp_path / "first").digest


@pytest.mark.parametrize("other", [{"text": "other"}, {"size": 128}, {"parents": {"source": "cd" * 32}}], ids=str)
def test_other_files_settings_or_parents_are_another_artifact(tmp_path: Path, other: dict[str, Any]) -> None:
    assert write(tmp_path / "first").digest != write(tmp_path / "second", **other).digest


def test_versions_and_figures_do_not_change_the_identity(tmp_path: Path) -> None:
    with staging(tmp_path / "a") as folder:
        first = seal(folder, kind="k", stage="s", config=Settings(), parents={}, figures={"psnr": 20.0})
    with staging(tmp_path / "b") as folder:
        second = seal(folder, kind="k", stage="s", config=Settings(), parents={}, packages=("pydantic",))
    assert first.digest == second.digest
    assert "pydantic" in second.versions


def test_figures_that_json_cannot_hold_become_null(tmp_path: Path) -> None:
    with staging(tmp_path / "a") as folder:
        seal(folder, kind="k", stage="s", config=Settings(), parents={}, figures={"psnr": float("nan")})
    assert read_manifest(tmp_path / "a").figures == {"psnr": None}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), staging(tmp_path / "made") as folder:
        (folder / "half").write_text("half", encoding="utf-8")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_no_artifact(tmp_path: Path) -> None:
    script = (
        "import os, signal, pathlib, sys; from underpaint.core.artifact import staging\n"
        "with staging(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "made"], check=False)
    assert not (tmp_path / "made").exists()
    write(tmp_path / "made")
    assert verify(tmp_path / "made")


def test_the_target_appears_at_the_end_only(tmp_path: Path) -> None:
    with staging(tmp_path / "made") as folder:
        assert not (tmp_path / "made").exists()
        assert folder.parent == tmp_path
    assert (tmp_path / "made").is_dir()
    assert not folder.exists()


def test_nothing_is_overwritten(made: Path) -> None:
    before = (made / MANIFEST).read_bytes()
    with pytest.raises(StorageError, match="exists already"), staging(made):
        pytest.fail("the work must not begin")
    assert (made / MANIFEST).read_bytes() == before


def test_a_target_that_comes_to_be_in_the_meantime_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with pytest.raises(StorageError, match="in the meantime"), staging(target):
        target.mkdir()
        (target / "theirs").write_text("theirs", encoding="utf-8")
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "theirs"]


def test_a_target_below_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="a part of the path is a file"), staging(tmp_path / "file" / "made"):
        pytest.fail("the work must not begin")


def test_a_name_that_is_too_long_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="too long"), staging(tmp_path / ("n" * 300)):
        pytest.fail("the work must not begin")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that even root may not write")
def test_a_folder_that_may_not_be_written_is_a_storage_error() -> None:
    with pytest.raises(StorageError, match="cannot write /sys/made"), staging(Path("/sys/made")):
        pytest.fail("the work must not begin")


@pytest.mark.parametrize("number", sorted(artifact.SPACE_HINTS), ids=errno.errorcode.get)
def test_a_full_disk_is_a_storage_error_whatever_was_being_written(tmp_path: Path, number: int) -> None:
    said = r"cannot write .*made: (the disk|files may not grow)"
    with pytest.raises(StorageError, match=said), staging(tmp_path / "made"):
        raise OSError(number, os.strerror(number), "/somewhere/else")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", sorted(artifact.WRITE_HINTS), ids=errno.errorcode.get)
def test_errors_about_other_paths_are_not_blamed_on_the_target(tmp_path: Path, number: int) -> None:
    with pytest.raises(OSError, match=r"input\.png"), storage_errors(tmp_path / "out" / "made"):
        raise OSError(number, os.strerror(number), str(tmp_path / "in" / "input.png"))
    with pytest.raises(StorageError, match="made"), storage_errors(tmp_path / "out" / "made"):
        raise OSError(number, os.strerror(number), str(tmp_path / "out"))


def test_links_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="only plain files"), staging(tmp_path / "made") as folder:
        (folder / "link").symlink_to("/etc/hostname")
        seal(folder, kind="k", stage="s", config=Settings(), parents={})
    assert list(tmp_path.iterdir()) == []


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "kind": lambda m: m.update(kind="pipeline"),
    "stage": lambda m: m.update(stage="train"),
    "config": lambda m: m["config"].update(size=65),
    "config_digest": lambda m: m.update(config_digest="0" * 64),
    "parents": lambda m: m["parents"].update(source="0" * 64),
    "no parents": lambda m: m.update(parents={}),
    "file hash": lambda m: m["files"]["index.json"].update(sha256="0" * 64),
    "file removed": lambda m: m["files"].pop("index.json"),
    "file added": lambda m: m["files"].update(extra={"bytes": 0, "sha256": "0" * 64}),
    "digest": lambda m: m.update(digest="0" * 64),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_manifest_is_noticed(made: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit(made, change)
    with pytest.raises(ArtifactError, match="changed after it was written"):
        read_manifest(made)


MALFORMED: dict[str, Callable[[dict[str, Any]], None]] = {
    "missing key": lambda m: m.pop("kind"),
    "unknown key": lambda m: m.update(extra=1),
    "newer schema": lambda m: m.update(schema_version=2),
    "file outside": lambda m: m["files"].update({"../outside": {"bytes": 0, "sha256": "0" * 64}}),
    "file absolute": lambda m: m["files"].update({"/etc/hostname": {"bytes": 0, "sha256": "0" * 64}}),
    "file nameless": lambda m: m["files"].update({"": {"bytes": 0, "sha256": "0" * 64}}),
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_manifest_is_one_line_of_error(made: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit(made, change)
    with pytest.raises(ArtifactError, match="is damaged") as caught:
        read_manifest(made)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"kind": 1, "kind": 2}', "[" * 100_000, "\x00", '{"kind": "\ud800"}'],
    ids=["empty", "truncated", "list", "null", "twice", "deep", "NUL", "surrogate"],
)  # fmt: skip
def test_text_that_is_no_manifest_is_an_artifact_error(made: Path, text: str) -> None:
    (made / MANIFEST).write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(ArtifactError, match="is damaged"):
        read_manifest(made)


def test_a_key_that_stands_twice_is_refused_at_any_depth(made: Path) -> None:
    text = (made / MANIFEST).read_text(encoding="utf-8")
    (made / MANIFEST).write_text(text.replace('"size": 64', '"size": 32, "size": 64'), encoding="utf-8")
    with pytest.raises(ArtifactError, match="a key stands twice"):
        read_manifest(made)


@pytest.mark.parametrize("name", ["empty", "file"])
def test_a_path_that_is_no_artifact_says_what_to_pass(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ArtifactError, match="no finished artifact"):
        read_manifest(tmp_path / name)


def test_another_kind_than_needed_is_named(made: Path) -> None:
    with pytest.raises(ArtifactError, match="is a 'dataset' artifact, but a 'pipeline' artifact is needed"):
        verify(made, kind="pipeline")


def test_the_files_that_are_verified_are_counted_once_there_is_something(made: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    manifest = verify(made, report=told.append)
    assert (told[-1].done, told[-1].total) == (len(manifest.files),) * 2
    told.clear()
    with pytest.raises(InputError):
        verify(tmp_path / "none", report=told.append)
    assert told == []


def test_a_missing_file_is_named(made: Path) -> None:
    (made / "sub" / "captions.txt").unlink()
    with pytest.raises(ArtifactError, match=r"captions\.txt is missing"):
        verify(made)


@pytest.mark.parametrize("content", ["word", "wordz", "words "], ids=["truncated", "changed", "longer"])
def test_a_file_that_differs_is_named(made: Path, content: str) -> None:
    (made / "sub" / "captions.txt").write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"captions\.txt differs from its manifest"):
        verify(made)


def test_only_the_files_asked_for_are_checked(made: Path) -> None:
    (made / "sub" / "captions.txt").write_text("wordz", encoding="utf-8")
    assert verify(made, only=("index.json",))
    with pytest.raises(ArtifactError, match=r"captions\.txt"):
        verify(made, only=("sub/captions.txt",))


def test_a_file_that_the_manifest_does_not_list_is_not_trusted(made: Path) -> None:
    (made / "model.safetensors").write_bytes(b"")
    with pytest.raises(ArtifactError, match="not listed"):
        verify(made, only=("model.safetensors",))
