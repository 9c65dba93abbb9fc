from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from underpaint.core.errors import StorageError
from underpaint.core.page.album import Album
from underpaint.core.page.markup import Markup, element, escape, join
from underpaint.stages.evaluate.gate.verdict import ControlMatrix, ControlOutcome, GateResult, Outcome, Side
from underpaint.stages.evaluate.page import text
from underpaint.stages.evaluate.page.page import page_of, write_page
from underpaint.stages.evaluate.page.pictures import best_and_worst
from underpaint.stages.evaluate.record import Measurement, PictureRecord, Protocol, Report, SubjectRecord

VOID = {"br", "hr", "img", "input", "link", "meta"}
HEADINGS = [
    "Key figures", "What we found", "At a glance", "Pictures", "Curves", "By group", "Nearest training pictures",
    "Every number", "Efficiency details", "Would these numbers notice?", "Protocol",
]  # fmt: skip


class Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def gate_of(verdict: str) -> GateResult:
    side = {"identity": "ab" * 32, "evaluation": "cd" * 32, "created": "2026-01-02"}
    metric = "r_precision@evaluator-64:1a2b3c4d"
    outcome = {"id": metric, "tier": "required", "mode": "non_inferiority", "z": 1.645, "look": 1, "n": 880}
    return GateResult.model_validate(
        {
            "verdict": verdict,
            "exit_code": 2,
            "candidate": Side.model_validate({"name": "<b>new</b>", **side}),
            "baseline": Side.model_validate({"name": "old", **side}),
            "policy": "release",
            "policy_digest": "ef" * 32,
            "look": 1,
            "looks": 1,
            "samples_needed": 2400,
            "outcomes": [
                Outcome.model_validate(
                    {
                        **outcome,
                        "delta": 0.01,
                        "se": 0.009,
                        "low": -0.005,
                        "high": 0.025,
                        "margin": 0.02,
                        "verdict": verdict,
                    }
                ),
                Outcome.model_validate(
                    {**outcome, "id": "latency_p95_ms", "scale": "log ratio", "reason": "<i>busy</i>"}
                ),
            ],
            "controls": ControlMatrix(
                outcomes=(
                    ControlOutcome(
                        control="null-1", kind="null", id=metric, delta=0.0, low=-0.01, high=0.01, verdict="pass"
                    ),
                ),
                insensitive=("<u>blur</u>",),
            ),
            "reasons": ["<s>because</s>"],
        }
    )


def test_the_page_is_well_formed_and_in_order(report: Report, artifact: Path, pictures: list[PictureRecord]) -> None:
    read = Reader(page_of(artifact, report, pictures))
    assert read.open == []
    assert read.headings == HEADINGS
    assert read.tags["h1"] == 1 and read.tags["main"] == 1 and read.tags["nav"] == 1
    assert read.tags["table"] == read.tags["caption"]
    ids = [value for _, name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    anchors = {value for tag, name, value in read.attributes if (tag, name) == ("a", "href")}
    assert {anchor.removeprefix("#") for anchor in anchors} <= set(ids)


def test_nothing_from_outside_becomes_markup(report: Report, artifact: Path, pictures: list[PictureRecord]) -> None:
    page = page_of(artifact, report, pictures, gate=gate_of("fail").model_dump(mode="json"))
    read = Reader(page)
    assert read.tags["script"] == 1
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert not read.tags.keys() & {"b", "i", "s", "u"}
    assert "\x00" not in page
    images = [value for tag, name, value in read.attributes if (tag, name) == ("img", "src")]
    assert images and all(value.startswith("data:image/png;base64,") for value in images)


def test_the_page_loads_nothing(report: Report, artifact: Path, pictures: list[PictureRecord]) -> None:
    page = page_of(artifact, report, pictures)
    loads = {"src", "href", "srcset", "action", "poster", "data", "xlink:href"}
    targets = [value for _, name, value in Reader(page).attributes if name in loads]
    assert all(target.startswith(("data:", "#")) for target in targets)
    assert "url(" not in page and "@import" not in page and "<link" not in page
    assert "default-src 'none'" in page
    assert set(re.findall(r"https?://[^\"'\s<]*", page)) == {"http://www.w3.org/2000/svg"}


def test_numbers_without_value_say_why(report: Report, artifact: Path) -> None:
    assert "too few samples" in page_of(artifact, report, [])


def test_a_report_with_nothing_in_it_still_has_a_page(tmp_path: Path) -> None:
    subject = SubjectRecord(name="empty", identity="0" * 64, kind="folder")
    protocol = Protocol(prompts_digest="0" * 64, num_prompts=0, num_seeds=0, suite="quick", size=64)
    page = page_of(tmp_path, Report(created="", command="", subject=subject, protocol=protocol, metrics=[]), [])
    assert Reader(page).headings == ["Protocol"]
    assert "No number could be measured" in page


@pytest.mark.parametrize(("verdict", "word"), [("pass", "Pass"), ("fail", "Fail"), ("indeterminate", "Undecided")])
def test_a_gate_puts_its_verdict_first(verdict: str, word: str, report: Report, artifact: Path) -> None:
    page = page_of(artifact, report, [], gate=gate_of(verdict).model_dump(mode="json"))
    assert Reader(page).headings[:2] == ["Differences", "Is the policy itself sound?"]
    assert f'<span class="badge {verdict}">{word}</span>' in page.split("<h2", 1)[0]
    assert "difference +1.0 points, bounds −0.5 to +2.5 points, margin 2 points" in page


def test_pictures_stay_within_the_cap(report: Report, artifact: Path, pictures: list[PictureRecord]) -> None:
    album = Album(artifact, cap_bytes=3000)
    uris = [album.uri(picture.file) for picture in pictures]
    assert sum(len(uri) for uri in uris if uri) <= 3000
    assert album.left_out == sum(uri is None for uri in uris) > 0
    assert "more pictures did not fit" in page_of(artifact, report, pictures, cap_bytes=3000)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", "", "missing.png", "samples", "a\0b"])
def test_only_pictures_of_the_artifact_are_shown(name: str, artifact: Path) -> None:
    assert Album(artifact).uri(name) is None


def test_a_broken_picture_becomes_a_plain_tile(artifact: Path, report: Report, pictures: list[PictureRecord]) -> None:
    (artifact / "samples" / "main-0.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert "picture not kept" in page_of(artifact, report, pictures)


def test_the_worst_and_the_best_do_not_overlap(pictures: list[PictureRecord]) -> None:
    score, best, worst = best_and_worst(pictures)
    assert score.startswith("caption_cosine@")
    assert [picture.image_id for picture in best] == ["main-5", "main-4", "main-3"]
    assert [picture.image_id for picture in worst] == ["main-0", "main-1", "main-2"]


def test_fid_is_the_name_of_the_official_network_alone() -> None:
    card = {"weights_sha256": text.OFFICIAL_INCEPTION + "0" * 56}
    m = Measurement(id="fd@inception:12345678", metric="fd", extractor="inception:12345678", value=1.0)
    assert text.label_of(m, {"inception:12345678": card}) == "FID"
    assert text.label_of(m, {"inception:12345678": {"weights_sha256": "0" * 64}}) == "FD (inception)"
    assert text.label_of(m, {}) == "FD (inception)"


def test_the_number_shown_is_the_one_that_the_interval_is_about(report: Report) -> None:
    m = next(m for m in report.metrics if m.metric == "fd_pca62")
    assert text.number_text(m) == "0.252 ± 0.014"
    assert text.uncorrected_text(m) == "0.337"


def test_the_file_is_written_into_the_artifact(report: Report, artifact: Path, pictures: list[PictureRecord]) -> None:
    path = write_page(artifact, report, pictures)
    assert path == artifact / "report.html"
    assert path.read_text(encoding="utf-8") == page_of(artifact, report, pictures)
    with pytest.raises(StorageError):
        write_page(path, report, pictures)


def test_markup_is_escaped_once() -> None:
    assert element("p", "<&>", Markup("<br>"), None, ["a", 1]) == "<p>&lt;&amp;&gt;<br>a1</p>"
    assert element("i", class_='"x"', hidden=True, title=None) == '<i class="&quot;x&quot;" hidden=""></i>'
    assert join(escape("<"), "<") == "&lt;&lt;"
