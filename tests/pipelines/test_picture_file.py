from __future__ import annotations

import errno
import io
import os
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from underpaint.core.errors import InputError, StorageError, UnreadableImage
from underpaint.pipelines import picture_file
from underpaint.pipelines.marks import PUBLIC, mark
from underpaint.pipelines.settings import Settings
from underpaint.runtime.png_text import read_text

GOLDEN = Path(__file__).parents[1] / "e2e" / "golden"
SETTINGS = Settings(
    prompt="cat ☃",
    caption="cat",
    seed=7,
    size="5x4",
    model='a "model" & <more>',
    model_sha256="0" * 64,
    version="0.1.0",
)


def drawn(mode: str = "RGBA") -> Image.Image:
    levels = np.arange(4 * 5 * len(mode), dtype=np.uint8).reshape(4, 5, len(mode)) * 3
    image = Image.fromarray(levels)
    digest = picture_file.pixel_digest(image)
    return picture_file.attach(image, SETTINGS.model_copy(update={"pixel_sha256": digest}))


@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_pixels_and_settings_survive_the_file(tmp_path, mode):
    image = drawn(mode)
    path = picture_file.save(image, tmp_path / "new" / "cat.png")
    again = picture_file.read_picture(path)
    assert again.mode == mode and again.tobytes() == image.tobytes()
    assert again.info["underpaint"] == image.info["underpaint"]
    assert picture_file.is_unchanged(again)


def test_equal_pictures_give_equal_files():
    assert picture_file.encode(drawn()) == picture_file.encode(drawn())


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.png")), ids=lambda path: path.stem)
@pytest.mark.parametrize("is_marked", [False, True])
def test_what_a_model_drew_takes_no_more_bytes_than_with_a_search_for_repetitions(path, is_marked):
    with Image.open(path) as file:
        pixels = np.asarray(file)
    image = Image.fromarray(mark(pixels, PUBLIC) if is_marked else pixels)
    fast, searched = (
        picture_file.encode_png(image, version="1", release="r", strategy=strategy)
        for strategy in (picture_file.OF_DRAWN, zlib.Z_DEFAULT_STRATEGY)
    )
    assert len(fast) <= len(searched)


def test_the_file_says_that_a_model_drew_it(tmp_path):
    texts = read_text(picture_file.save(drawn(), tmp_path / "cat.png")).texts
    assert texts["Software"] == "underpaint 0.1.0"
    packet = texts["XML:com.adobe.xmp"]
    assert packet.startswith("<?xpacket begin") and packet.endswith('<?xpacket end="w"?>')
    description = ET.fromstring(packet.partition("?>")[2].rpartition("<?")[0])[0][0]
    iptc = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
    assert description.attrib[f"{iptc}DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert description.attrib[f"{iptc}AISystemUsed"] == "underpaint"
    assert description.attrib[f"{iptc}AISystemVersionUsed"] == 'a "model" & <more> 0000000000000000'


def test_pillow_reads_the_same_text(tmp_path):
    path = picture_file.save(drawn(), tmp_path / "cat.png")
    with Image.open(path) as image:
        assert isinstance(image, PngImagePlugin.PngImageFile)
        assert Settings.from_json(image.text["parameters"], source="x").prompt == "cat ☃"


def test_a_changed_pixel_is_noticed(tmp_path):
    image = picture_file.read_picture(picture_file.save(drawn(), tmp_path / "cat.png"))
    image.putpixel((0, 0), (9, 9, 9, 9))
    assert not picture_file.is_unchanged(image)


def test_nothing_is_overwritten_unless_asked(tmp_path):
    path = tmp_path / "cat.png"
    path.write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        picture_file.save(drawn(), path)
    assert path.read_text() == "mine"
    picture_file.save(drawn(), path, overwrite=True)
    assert picture_file.read_settings(path).seed == 7
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_without_settings_is_not_saved(tmp_path):
    with pytest.raises(InputError, match="carries no settings"):
        picture_file.save(Image.new("RGBA", (2, 2)), tmp_path / "x.png")


def test_only_png_files_are_written(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.png"):
        picture_file.save(drawn(), tmp_path / "x.jpg")


def test_a_folder_that_is_a_file_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        picture_file.save(drawn(), tmp_path / "file" / "x.png")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        picture_file.make_folder(tmp_path / "file")


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        picture_file.save(drawn(), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_links_works_too(tmp_path, monkeypatch):
    def refuse(*_paths: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "x.png"
    picture_file.save(drawn(), path)
    with pytest.raises(FileExistsError):
        picture_file.write_new(b"other", path)
    assert picture_file.read_settings(path).seed == 7
    assert list(tmp_path.iterdir()) == [path]


def test_a_foreign_picture_is_an_input_error(tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGBA", (2, 2)).save(path)
    with pytest.raises(InputError, match="underpaint did not draw it"):
        picture_file.read_settings(path)


def test_settings_of_another_program_are_an_input_error(tmp_path):
    path, texts = tmp_path / "x.png", PngImagePlugin.PngInfo()
    texts.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler a")
    Image.new("RGBA", (2, 2)).save(path, pnginfo=texts)
    with pytest.raises(InputError, match="not written by underpaint"):
        picture_file.read_settings(path)


def test_broken_pixels_are_one_error(tmp_path):
    buffer = io.BytesIO(picture_file.encode(drawn()))
    data = bytearray(buffer.getvalue())
    place = data.index(b"IDAT") + 8
    data[place : place + 4] = b"\xff\xff\xff\xff"
    path = tmp_path / "x.png"
    path.write_bytes(data)
    with pytest.raises(UnreadableImage, match="cannot be decoded"):
        picture_file.read_picture(path)


def test_a_file_may_have_the_longest_name_that_the_disk_takes(tmp_path):
    path = tmp_path / f"{'é' * 125}.png"
    picture_file.write_new(b"data", path)
    assert path.read_bytes() == b"data"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_is_cut_between_characters():
    assert picture_file.within_bytes("aé猫", 6) == "aé猫"
    assert [picture_file.within_bytes("aé猫", most) for most in (5, 3, 2, 0)] == ["aé", "aé", "a", ""]
