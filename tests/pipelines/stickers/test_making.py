from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from underpaint.core.errors import InputError, StorageError
from underpaint.pipelines.picture_file import encode_png
from underpaint.pipelines.stickers.archive import portions, zipped
from underpaint.pipelines.stickers.folder import LISTING, write_stickers
from underpaint.pipelines.stickers.look import Contour, Look
from underpaint.pipelines.stickers.making import Made, make_stickers, unmet
from underpaint.pipelines.stickers.picture import Picture, is_sheet, read_picture, read_pictures, slug_of
from underpaint.pipelines.stickers.places import PLACES

LOOK = Look(contour=Contour())
SMALL = ("whatsapp", "discord-emoji", "slack", "twitch", "line")


def picture(words: str = "a red box", color: tuple[int, ...] = (200, 20, 20, 255)) -> Picture:
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[4:28, 8:24] = color
    return Picture(name=f"{words}.png", words=words, pixels=pixels, sha256="0" * 64, settings=None)


@pytest.fixture(scope="module")
def made() -> list[Made]:
    return list(make_stickers([picture(), picture("a blue box", (20, 20, 200, 255))], SMALL, LOOK))


def test_every_file_is_as_its_place_asks(made):
    for file in made:
        if file.item == "pack":
            continue
        item = next(item for item in PLACES[file.place].items if item.name == file.item)
        image = Image.open(io.BytesIO(file.data))
        assert (image.size, image.format) == ((item.width, item.height), item.format.upper())
        assert (file.width, file.height) == image.size
        assert item.max_bytes is None or len(file.data) <= item.max_bytes
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
        assert item.margin == 0 or not (alpha[: item.margin].any() or alpha[:, : item.margin].any())


def test_files_are_numbered_and_named_after_what_they_show(made):
    names = [file.name for file in made]
    assert len({*names}) == len(names)
    assert names[:5] == [
        "whatsapp/01-a-red-box.webp",
        "whatsapp/02-a-blue-box.webp",
        "whatsapp/tray.png",
        "whatsapp/pack.wastickers",
        "whatsapp/contents.json",
    ]
    assert {"twitch/02-a-blue-box-emote-28.png", "line/01.png", "line/main.png", "line/pack.zip"} <= {*names}


def test_a_pack_holds_the_files_beside_it(made):
    data = {file.name: file.data for file in made}
    with zipfile.ZipFile(io.BytesIO(data["line/pack.zip"])) as archive:
        assert {f"line/{name}": archive.read(name) for name in archive.namelist()} == {
            name: file for name, file in data.items() if name.startswith("line/") and name != "line/pack.zip"
        }
    with zipfile.ZipFile(io.BytesIO(data["whatsapp/pack.wastickers"])) as archive:
        stickers = ["01-a-red-box.webp", "02-a-blue-box.webp"]
        assert archive.namelist() == ["title.txt", "author.txt", "tray.png", *stickers]
        assert archive.read("title.txt") == b"Stickers"
    (pack,) = json.loads(data["whatsapp/contents.json"])["sticker_packs"]
    assert [sticker["image_file"] for sticker in pack["stickers"]] == stickers
    assert pack["stickers"][0]["emojis"] == []


def test_equal_wishes_are_equal_bytes(made):
    again = make_stickers([picture(), picture("a blue box", (20, 20, 200, 255))], ("line",), LOOK)
    assert [file.data for file in again] == [file.data for file in made if file.place == "line"]


def test_of_large_pictures_nothing_is_kept_beside_them():
    pixels = np.zeros((600, 600, 4), dtype=np.uint8)
    pixels[100:500, 100:500] = pixels[5:8, 5:8] = (200, 20, 20, 255)
    large = [replace(picture(f"box {number}"), pixels=pixels) for number in range(4)]
    files = make_stickers(large, ["slack"], LOOK)
    tracemalloc.start()
    try:
        for _ in large:
            next(files)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < pixels.nbytes


def test_large_packs_are_split_evenly():
    assert [len(part) for part in portions([str(k) for k in range(61)], 30)] == [20, 21, 20]
    assert portions(["a"], 30) == [["a"]]
    assert zipped({"a": b"x"}) == zipped({"a": b"x"})


def test_packs_that_no_place_takes_are_told():
    assert list(unmet(["line", "whatsapp", "slack"], 8)) == []
    assert list(unmet(["line", "whatsapp"], 2)) == [
        "LINE Creators Market takes packs of 8, 16, 24, 32, 40 stickers, and there are 2 here; name 6 more",
        "WhatsApp takes packs of 3 to 30 stickers, and there are 2 here; name 1 more",
    ]
    assert list(unmet(["telegram"], 121)) == [
        "Telegram, stickers takes packs of 1 to 120 stickers, and there are 121 here; leave 1 out"
    ]
    assert list(unmet(["whatsapp"], 31)) == []


def test_mistakes_name_picture_and_place():
    empty = Picture(name="e.png", words="", pixels=np.zeros((4, 4, 4), dtype=np.uint8), sha256="0" * 64, settings=None)
    with pytest.raises(InputError, match=r"e\.png for slack: the picture is transparent"):
        list(make_stickers([empty], ["slack"]))
    with pytest.raises(InputError, match="2 mistakes"):
        list(make_stickers([picture()], ["a", "b"]))
    with pytest.raises(InputError, match="no picture"):
        list(make_stickers([], ["slack"]))


def test_names_are_plain_whatever_the_words_are(tmp_path):
    assert slug_of(picture("Ä Käfer/../../etc")) == "k-fer-etc"
    assert slug_of(picture("🙂")) == "sticker" and len(slug_of(picture("word " * 30))) <= 40
    Image.new("RGBA", (8, 8), "red").save(tmp_path / "underpaint-a-cat-7.png")
    assert slug_of(read_picture(tmp_path / "underpaint-a-cat-7.png")) == "a-cat-7"
    with pytest.raises(InputError, match="2 mistakes"):
        read_pictures([tmp_path / "none.png", tmp_path / "no.png"])


@pytest.mark.parametrize("name", ["underpaint-letter-7.png", "underpaint-sheet-12.png", "underpaint-a4.png"])
def test_a_sheet_has_the_name_of_one_and_no_settings(tmp_path, name):
    image, path = Image.new("RGBA", (8, 8), "red"), tmp_path / name
    assert not is_sheet(path)
    path.write_bytes(b"damaged")
    assert not is_sheet(path)
    path.write_bytes(encode_png(image, version="1", release="tiny"))
    assert is_sheet(path)
    path.rename(tmp_path / "underpaint-a-cat-7.png")
    assert not is_sheet(tmp_path / "underpaint-a-cat-7.png")
    path.write_bytes(encode_png(image, version="1", release="tiny", parameters="{}"))
    assert not is_sheet(path)


def test_a_huge_picture_is_kept_no_larger_than_stickers_need():
    huge = read_picture(Image.new("RGB", (5600, 70), "red"))
    assert huge.pixels.shape == (35, 2800, 4) and huge.size == "5600x70" and (huge.pixels[..., 3] == 255).all()


def test_the_folder_is_whole_or_not_there(tmp_path, made):
    folder = tmp_path / "stickers"
    written = write_stickers(folder, [picture()], LOOK, made)
    listing = json.loads((folder / LISTING).read_text())
    assert [file["path"] for file in listing["files"]] == [file.name for file in made]
    assert all((folder / file.name).read_bytes() == file.data for file in made)
    assert Look.model_validate(listing["look"]) == LOOK and len(written) == len(made)
    with pytest.raises(StorageError, match="exists"):
        write_stickers(folder, [picture()], LOOK, made)

    def broken():
        yield made[0]
        raise RuntimeError("in between")

    with pytest.raises(RuntimeError):
        write_stickers(tmp_path / "other", [picture()], LOOK, broken())
    assert [path.name for path in tmp_path.iterdir()] == ["stickers"]
