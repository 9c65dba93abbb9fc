from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from underpaint.core.errors import (
    DataError,
    DiskFull,
    InputError,
    InputTooLarge,
    UnderpaintError,
    UnreadableImage,
)
from underpaint.core.progress import Progress
from underpaint.pipelines.picture_file import read_settings, save
from underpaint.pipelines.settings import Settings
from underpaint.pipelines.upscaling import placing
from underpaint.pipelines.upscaling.network import UpscalingNetwork
from underpaint.pipelines.upscaling.picture import read
from underpaint.pipelines.upscaling.placing import Outcome, upscale_into


@pytest.fixture
def sources(drawn: Image.Image, tmp_path: Path) -> list[Path]:
    """A picture of ours, a foreign one, and a large one."""
    save(drawn, tmp_path / "ours.png")
    Image.new("RGBA", (20, 30), "red").save(tmp_path / "foreign.png")
    Image.new("RGBA", (64, 10), "red").save(tmp_path / "large.png")
    return [tmp_path / name for name in ("ours.png", "foreign.png", "large.png")]


def into(folder: Path, sources: list[Path], network: UpscalingNetwork, **told) -> Outcome:
    return upscale_into(folder, sources, 64, lambda: network, **told)


def test_no_network_is_read_where_every_picture_is_large_enough(sources: list[Path], tmp_path: Path) -> None:
    outcome = upscale_into(tmp_path / "out", sources[2:], 64, lambda: pytest.fail("the network was read"))
    assert (outcome.large, outcome.placed) == ([sources[2]], {})


def test_each_picture_keeps_its_name_and_the_large_one_is_left_alone(
    sources: list[Path], tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    outcome = into(tmp_path / "out", sources, tiny_network, report=seen.append)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["foreign-64.png", "ours-64.png"]
    assert (outcome.large, outcome.unknown) == ([sources[2]], [sources[1]])
    assert all(placed.drawn for placed in outcome.placed.values())
    told = [(each.task, each.done, each.total) for each in seen]
    read, made = [("read", done, 3) for done in (1, 2, 3)], [("upscale", done, 2) for done in (0, 1, 2)]
    assert told == read + made


def test_nothing_is_made_twice_and_nothing_written_over(
    sources: list[Path], tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    into(folder, sources, tiny_network)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    again = into(folder, sources * 2, tiny_network)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert not any(placed.drawn for placed in again.placed.values())
    into(folder, sources, tiny_network, watermark="none")
    assert {path.name for path in folder.iterdir()} - {path.name for path in before} == {"ours-64-2.png"}


def test_what_was_finished_before_a_failure_stays_and_is_found(
    sources: list[Path], tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    def full_at_the_second(data: bytes, settings: Settings) -> bytes:
        if not settings.caption:
            raise DiskFull("the disk is full")
        return data

    with pytest.raises(DiskFull):
        into(tmp_path / "out", sources, tiny_network, seal=full_at_the_second)
    outcome = into(tmp_path / "out", sources, tiny_network)
    assert [placed.drawn for placed in outcome.placed.values()] == [False, True]


def test_nothing_is_made_the_folder_neither_if_a_picture_cannot_be_read(
    sources: list[Path], tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(UnreadableImage, match=r"bad\.png"):
        into(tmp_path / "out", [sources[0], bad], tiny_network)
    assert not (tmp_path / "out").exists()


def test_all_that_cannot_be_read_is_told_with_what_is_not_there_and_why(
    tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    for name in ("bad.png", "worse.png"):
        (tmp_path / name).write_bytes(b"no picture")
    Image.new("1", (9_000, 5_000)).save(tmp_path / "huge.png")

    def refused(*names: str) -> UnderpaintError:
        with pytest.raises(UnderpaintError) as found:
            into(tmp_path / "out", [tmp_path / name for name in names], tiny_network)
        return found.value

    assert type(refused("huge.png")) is InputTooLarge
    assert type(refused("bad.png", "worse.png")) is UnreadableImage
    assert type(refused("bad.png", "huge.png")) is DataError
    several = refused("bad.png", "none.png", "huge.png")
    assert type(several) is InputError and str(several).startswith("3 mistakes: ")
    assert all(name in str(several) for name in ("bad.png", "none.png", "huge.png"))


@pytest.mark.parametrize(("kept", "times"), [(placing.KEPT_PIXELS, 1), (0, 2)])
def test_a_small_picture_is_unpacked_once_as_long_as_there_is_room(
    sources: list[Path],
    tiny_network: UpscalingNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kept: int,
    times: int,
) -> None:
    unpacked: list[Path] = []
    monkeypatch.setattr(placing, "KEPT_PIXELS", kept)
    monkeypatch.setattr(placing, "read", lambda path: (unpacked.append(path), read(path))[1])
    into(tmp_path / "out", sources, tiny_network)
    assert [unpacked.count(path) for path in sources] == [times, times, 1]


def test_another_picture_of_the_same_name_gets_a_number(
    sources: list[Path], tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "ours.png"
    Image.new("RGBA", (20, 20), "blue").save(other)
    outcome = into(tmp_path / "out", [sources[0], other], tiny_network)
    assert [placed.path.name for placed in outcome.placed.values()] == ["ours-64.png", "ours-64-2.png"]
    assert read_settings(tmp_path / "out" / "ours-64-2.png").size == "64x64"


def test_the_last_change_is_made_to_every_file_that_is_written(
    sources: list[Path], tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    sealed = []

    def seal(data: bytes, settings) -> bytes:
        sealed.append(settings.pixel_sha256)
        return data

    outcome = into(tmp_path / "out", sources, tiny_network, seal=seal)
    assert sealed == [placed.settings.pixel_sha256 for placed in outcome.placed.values()]


def test_a_name_as_long_as_a_file_system_takes_is_shortened_without_cutting_a_character(
    tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    long = tmp_path / f"{'猫' * 83}.png"
    Image.new("RGBA", (8, 8), "red").save(long)
    (placed,) = into(tmp_path / "out", [long], tiny_network).placed.values()
    assert placed.path.name == f"{'猫' * 66}-64.png"
    (again,) = into(tmp_path / "out", [long], tiny_network).placed.values()
    assert (again.path, again.drawn) == (placed.path, False)


def test_a_mark_whose_key_is_elsewhere_keeps_nothing_else_from_being_made(
    drawn: Image.Image, sources: list[Path], tiny_network: UpscalingNetwork, tmp_path: Path
) -> None:
    settings = drawn.info["underpaint"].model_copy(update={"watermark": "cosines-1/0123456789abcdef"})
    theirs = drawn.copy()
    theirs.info["underpaint"] = settings
    save(theirs, tmp_path / "theirs.png")
    outcome = into(tmp_path / "out", [tmp_path / "theirs.png", *sources], tiny_network)
    assert outcome.keyless == [tmp_path / "theirs.png"] and len(outcome.placed) == 2
    with pytest.raises(InputError, match="key"):
        into(tmp_path / "alone", [tmp_path / "theirs.png"], tiny_network)
    chosen = into(tmp_path / "chosen", [tmp_path / "theirs.png", *sources], tiny_network, watermark="none")
    assert not chosen.keyless and len(chosen.placed) == 3
