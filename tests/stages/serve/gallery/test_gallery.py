"""Laws of the gallery: what is drawn is in it, what is deleted can come back, what is erased is gone, room ends."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpaint.core.errors import FieldError, GalleryFull, LeaseLost
from underpaint.pipelines.settings import Settings
from underpaint.stages.serve.gallery import changing
from underpaint.stages.serve.gallery.finding import Query
from underpaint.stages.serve.gallery.gallery import Gallery
from underpaint.stages.serve.gallery.picture import BLOCK, Entry, GalleryPicture
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import JobQueue
from underpaint.stages.serve.store import PictureStore

DATA = b"a file of a picture"


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def settings(prompt: str, **values: Any) -> Settings:
    fixed = {"seed": 1, "size": "64x64", "model": "m", "model_sha256": "0" * 64, "version": "1", "caption": prompt}
    return Settings(prompt=prompt, pixel_sha256=digest(prompt), **(fixed | values))


def entry(prompt: str, *, num_bytes: int = len(DATA), model: str = "m", release: str = "r-1", **values: Any) -> Entry:
    return Entry(
        pixel_sha256=digest(prompt),
        output_format="png",
        num_bytes=num_bytes,
        width=64,
        height=64,
        model=model,
        release=release,
        settings=settings(prompt, **values),
    )


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path / "pictures")


@pytest.fixture
def gallery(queue: JobQueue) -> Gallery:
    return Gallery(queue.database, max_bytes=10**6, keep_deleted_s=100.0)


@pytest.fixture
def draw(queue: JobQueue, gallery: Gallery, store: PictureStore) -> Callable[..., str]:
    """Draw pictures of these entries in one job and return its id."""

    def drawn(*entries: Entry, owner: str = "ann", in_gallery: bool = True) -> str:
        queue.submit(Submission(owner=owner, request={"prompt": "x"}, in_gallery=in_gallery))
        (job,) = queue.claim("worker")
        for one in entries:
            store.put(DATA, one.pixel_sha256)
            queue.note(job.lease, "job.image", {"image_index": 0, "pixel_sha256": one.pixel_sha256})
        queue.finish(job.lease, {"images": []}, also=gallery.entering(entries))
        return job.id

    return drawn


def listed(gallery: Gallery, owner: str | None = "ann", before: int | None = None, limit: int = 9, **query: Any):
    return gallery.page(Query(**query), owner, before, limit)


def prompts(pictures: list[GalleryPicture]) -> list[str]:
    return [one.prompt for one in pictures]


def test_what_a_job_drew_is_there_with_what_made_it_the_newest_first(gallery, draw):
    job = draw(entry("a cat", style="flat"))
    draw(entry("a dog"), entry("a cow"))
    pictures, total = listed(gallery)
    assert (prompts(pictures), total) == (["a cow", "a dog", "a cat"], 3)
    cat = pictures[2]
    assert (cat.job, cat.owner, cat.model, cat.release, cat.bytes) == (job, "ann", "m", "r-1", BLOCK)
    assert cat.settings == settings("a cat", style="flat").model_dump(mode="json")
    assert not cat.favorite and cat.rating is cat.note is cat.deleted_at is None


def test_pages_follow_each_other_without_gap_or_overlap(gallery, draw):
    for number in range(7):
        draw(entry(f"cat {number}"))
    seen, before = [], None
    while True:
        page, total = listed(gallery, before=before, limit=3)
        assert total == 7
        seen += prompts(page)
        if len(page) < 3:
            break
        before = page[-1].seq
    assert seen == [f"cat {number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("cat", ["a black cat", "Cats & dogs"]),
        ("CAT black", ["a black cat"]),
        ("gs", ["Cats & dogs"]),
        ("%", ["100% Straße"]),
        ("_", []),
        ("STRASSE", ["100% Straße"]),
        ("!", []),
        ("ｃａｔ", ["a black cat", "Cats & dogs"]),
    ],
)
def test_pictures_are_found_by_parts_of_words_whatever_their_case(gallery, draw, search, found):
    for prompt in ("100% Straße", "Cats & dogs", "a black cat"):
        draw(entry(prompt))
    pictures, total = listed(gallery, search=search)
    assert (prompts(pictures), total) == (found, len(found))


def test_pictures_are_found_by_what_drew_them_and_by_what_was_said_of_them(gallery, draw):
    job = draw(entry("a cat", style="flat", model="one", release="r-one"))
    draw(entry("a dog", style="cartoon", model="two", release="r-two"))
    gallery.say(digest("a dog"), "ann", "ann", {"favorite": True, "note": "for Rex"})
    found: list[tuple[dict[str, Any], str]] = [
        ({"style": "flat"}, "a cat"),
        ({"model": "one"}, "a cat"),
        ({"model": "r-two"}, "a dog"),
        ({"job": job}, "a cat"),
        ({"favorite": True}, "a dog"),
        ({"favorite": False}, "a cat"),
        ({"search": "rex"}, "a dog"),
    ]
    for query, prompt in found:
        assert prompts(listed(gallery, **query)[0]) == [prompt], query


def test_everybody_sees_and_changes_its_own_and_an_operator_all(gallery, draw):
    draw(entry("a cat"))
    draw(entry("a dog"), owner="bob")
    draw(entry("a cat"), owner="bob")
    assert prompts(listed(gallery, "ann")[0]) == ["a cat"]
    assert prompts(listed(gallery, None)[0]) == ["a cat", "a dog", "a cat"]
    with pytest.raises(FieldError, match="no picture"):
        gallery.say(digest("a dog"), "ann", "ann", {"favorite": True})
    assert gallery.act([digest("a dog")], "ann", "ann", "erase") == ([], [digest("a dog")])
    assert gallery.say(digest("a dog"), None, "ann", {"favorite": True}).owner == "bob"
    assert gallery.say(digest("a cat"), None, "ann", {"favorite": True}).owner == "ann"


def test_a_file_is_shown_to_all_who_drew_it_and_once_others_have_it_to_nobody_else(gallery, draw):
    draw(entry("a cat"), owner="bob", in_gallery=False)
    draw(entry("a dog"), owner="eve", in_gallery=False)
    assert all(gallery.may_see(digest("a cat"), owner) for owner in ("ann", "bob", "eve"))
    draw(entry("a cat"))
    assert gallery.may_see(digest("a cat"), "ann") and gallery.may_see(digest("a cat"), "bob")
    assert not gallery.may_see(digest("a cat"), "eve")


def test_a_picture_drawn_again_comes_to_the_front_and_keeps_what_was_said_of_it(gallery, draw):
    draw(entry("a cat"))
    gallery.say(digest("a cat"), "ann", "ann", {"favorite": True, "rating": 5, "note": "mine"})
    draw(entry("a dog"))
    gallery.act([digest("a cat")], "ann", "ann", "delete")
    job = draw(entry("a cat"))
    pictures, total = listed(gallery)
    assert (prompts(pictures), total) == (["a cat", "a dog"], 2)
    cat = pictures[0]
    assert (cat.favorite, cat.rating, cat.note, cat.job, cat.deleted_at) == (True, 5, "mine", job, None)
    assert prompts(listed(gallery, search="mine")[0]) == ["a cat"]


def test_delete_and_restore_undo_each_other_for_many_at_once(gallery, draw, store):
    draw(entry("a cat"), entry("a dog"), entry("a cow"))
    before = listed(gallery)
    digests = [digest("a cat"), digest("a cow"), digest("nothing"), digest("a cat")]
    changed, missing = gallery.act(digests, "ann", "ann", "delete")
    assert (sorted(prompts(changed)), missing) == (["a cat", "a cow"], [digest("nothing")])
    assert gallery.act(digests, "ann", "ann", "delete")[0] == []
    assert prompts(listed(gallery)[0]) == ["a dog"]
    assert prompts(listed(gallery, deleted=True)[0]) == ["a cow", "a cat"]
    assert store.find(digest("a cat"))
    gallery.act([one.pixel_sha256 for one in changed], "ann", "ann", "restore")
    assert listed(gallery) == before


def test_what_is_erased_is_gone_and_its_file_once_it_is_old_unless_another_has_it(gallery, draw, store):
    draw(entry("a cat"), entry("a dog"))
    draw(entry("a dog"), owner="bob")
    gallery.act([digest("a cat"), digest("a dog")], "ann", "ann", "erase")
    assert listed(gallery) == ([], 0)
    for name in ("a cat", "a dog"):
        os.utime(store.find(digest(name))[0], (0, 0))
    assert store.forget(1000.0, gallery.kept) == 1
    assert store.find(digest("a cat")) is None and store.find(digest("a dog"))


def test_erasing_takes_no_file_that_a_job_outside_the_gallery_promised(gallery, draw, store):
    gallery.max_bytes = BLOCK
    for erase in (
        lambda: gallery.act([digest("a cat")], "ann", "ann", "erase"),
        lambda: gallery.empty_bin("ann"),
        lambda: gallery.check_room("ann", BLOCK),
    ):
        draw(entry("a cat"), owner="bob", in_gallery=False)
        draw(entry("a cat"))
        gallery.act([digest("a cat")], "ann", "ann", "delete")
        erase()
        assert listed(gallery, deleted=True) == ([], 0)
        assert store.forget(1000.0, gallery.kept) == 0 and store.find(digest("a cat"))


def test_the_bin_is_emptied_of_what_lay_there_long(gallery, draw, clock):
    draw(entry("a cat"), entry("a dog"))
    gallery.act([digest("a cat")], "ann", "ann", "delete")
    clock.now += 50
    gallery.act([digest("a dog")], "ann", "ann", "delete")
    assert gallery.empty_bin(None, clock.now - 10) == 1
    assert prompts(listed(gallery, deleted=True)[0]) == ["a dog"]
    assert gallery.empty_bin("bob") == 0 and gallery.empty_bin("ann") == 1


def test_pictures_of_the_gallery_outlive_their_week_and_their_jobs(gallery, draw, store, queue, clock):
    draw(entry("a cat"))
    job = draw(entry("a dog"), in_gallery=False)
    for name in ("a cat", "a dog"):
        path, _ = store.find(digest(name))
        os.utime(path, (0, 0))
    assert store.forget(1000.0, gallery.kept) == 1
    path, _ = store.find(digest("a cat"))
    assert store.find(digest("a dog")) is None and time.time() - path.stat().st_mtime < 1000
    clock.now += queue.policy.keep_finished_s + 1
    queue.forget()
    assert job not in [one.id for one in queue.jobs()]
    assert prompts(listed(gallery)[0]) == ["a cat"]


def test_room_is_bounded_and_the_bin_makes_room_first(gallery, draw):
    gallery.max_bytes = 3 * BLOCK
    draw(entry("a cat"), entry("a dog"), entry("a cow", num_bytes=BLOCK))
    gallery.check_room("bob", 3 * BLOCK)
    with pytest.raises(GalleryFull, match="gallery_mb"):
        gallery.check_room("ann", 1)
    gallery.act([digest("a dog")], "ann", "ann", "delete")
    assert gallery.used_bytes("ann") == 3 * BLOCK
    gallery.check_room("ann", BLOCK)
    assert gallery.used_bytes("ann") == 2 * BLOCK and listed(gallery, deleted=True) == ([], 0)


def test_who_is_refused_keeps_the_bin_and_who_is_not_loses_no_more_of_it_than_must_be(gallery, draw, clock):
    gallery.max_bytes = 4 * BLOCK
    names = ["a cat", "a dog", "a cow", "a pig"]
    draw(*map(entry, names))
    for name in names[:3]:
        clock.now += 1
        gallery.act([digest(name)], "ann", "ann", "delete")
    with pytest.raises(GalleryFull):
        gallery.check_room("ann", 4 * BLOCK)
    assert prompts(listed(gallery, deleted=True)[0]) == names[2::-1]
    gallery.check_room("ann", BLOCK + 1)
    assert prompts(listed(gallery, deleted=True)[0]) == ["a cow"]


def test_more_than_a_lot_of_the_bin_makes_room(gallery, draw, monkeypatch):
    monkeypatch.setattr(changing, "ROWS_AT_ONCE", 2)
    gallery.max_bytes = 6 * BLOCK
    names = [f"cat {number}" for number in range(6)]
    draw(*map(entry, names))
    gallery.act(map(digest, names), "ann", "ann", "delete")
    gallery.check_room("ann", 5 * BLOCK)
    assert gallery.used_bytes("ann") == BLOCK


def test_without_a_gallery_nothing_goes_into_it(gallery, draw):
    gallery.max_bytes = 0
    gallery.check_room("ann", 10**12)
    draw(entry("a cat"))
    with pytest.raises(GalleryFull, match="no gallery"):
        gallery.bring("ann", entry("a cat"))
    assert listed(gallery) == ([], 0)


def test_a_job_and_its_pictures_are_finished_together_or_not_at_all(gallery, queue):
    queue.submit(Submission(owner="ann", request={"prompt": "x"}, in_gallery=True))
    (job,) = queue.claim("worker")
    queue.cancel(job.id)
    with pytest.raises(LeaseLost):
        queue.finish(job.lease, {}, also=gallery.entering([entry("a cat")]))
    assert listed(gallery) == ([], 0)
    queue.submit(Submission(owner="ann", request={"prompt": "x"}, in_gallery=True))
    (job,) = queue.claim("worker")
    for _ in range(2):
        queue.finish(job.lease, {}, also=gallery.entering([entry("a cat")]))
    assert listed(gallery)[1] == 1


def test_every_change_is_told_to_its_owner(gallery, draw, queue):
    begin = queue.last_change()
    draw(entry("a cat"), entry("a dog"))
    both = [digest("a cat"), digest("a dog")]
    gallery.say(both[0], "ann", "ann", {"rating": 3})
    for action in ("favorite", "unfavorite", "delete", "restore", "erase"):
        gallery.act(both, "ann", "ann", action)
    told = [(one.name, one.body["pictures"]) for one in queue.changes(begin, "ann") if one.name[:8] == "gallery."]
    assert told == [
        ("gallery.added", both),
        ("gallery.changed", both[:1]),
        ("gallery.changed", both),
        ("gallery.changed", both),
        ("gallery.deleted", both),
        ("gallery.restored", both),
        ("gallery.erased", both),
    ]
    assert queue.changes(begin, "bob") == []


def test_an_edit_names_the_picture_that_it_was_made_from(gallery, draw):
    record = {"picture_sha256": digest("a cat"), "strength": 0.5}
    draw(entry("a dog", edit=record))
    assert listed(gallery)[0][0].parent == digest("a cat")
