"""Laws of what is published: a row and a spot for every point, and a plot whose fronts nothing of the family beats."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

DEFAULT, REDRAWN = "hybrid, default", "hybrid, default, other seeds"


@pytest.fixture(scope="module")
def report(load_benchmark):
    return load_benchmark("frontier_report")


@pytest.fixture(scope="module")
def pages(load_benchmark):
    return load_benchmark("frontier_page")


@pytest.fixture(scope="module")
def plots(load_benchmark):
    return load_benchmark("frontier_plot")


@pytest.fixture(scope="module")
def timed(table, simulate_times):
    medians = {DEFAULT: 10.0, "flow, dpmpp_2m 4": 8.0, "flow, dpmpp_2m 10": 30.0, "few-step, 1": 2.0}
    return table({(name, 1): simulate_times(ms, seed) for seed, (name, ms) in enumerate(medians.items())})


@pytest.fixture(scope="module")
def document(report, timed, load_benchmark, tiny_model, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "log.jsonl"
    records = [{"round": 0, "load": [0.5, 0.7], "cells": []}, {"peak_flops_per_s": 4e10}]
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    models = load_benchmark("frontier_drawing").open_family({"hybrid": str(tiny_model)})
    return report.document_of(models, timed, log, ({"guidance": 1.0}, {"guidance 1": 3.0}))


def rows(text: str) -> list[list[str]]:
    """Return the cells of all rows of the tables in a page."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_both_tables_of_the_page_have_a_row_for_every_point(document, pages, timed):
    first = [row[0] for row in rows(pages.quality_table(document["points"]))]
    assert first[2:] == list(timed.points)
    second = [row[0] for row in rows(pages.speed_table(document["points"]))]
    assert second[2:] == [name for name in timed.points if name != REDRAWN], "other seeds take the same time"
    page = [row[0] for row in rows(pages.page(document, "plot.svg"))]
    assert all(page.count(name) >= 2 for name in second[2:])


def test_all_rows_of_a_table_are_equally_long(document, pages):
    for block in re.split(r"\n\n", pages.page(document, "plot.svg")):
        if block.startswith("|"):
            assert len({len(row) for row in rows(block)}) == 1, block[:80]


def test_the_page_says_the_verdict_and_the_margins_and_has_no_gaps(document, pages):
    page = pages.page(document, "plot.svg")
    assert f"**{document['verdict']}**" in page and "](plot.svg)" in page
    assert all(f"| {margin} |" in page for margin in document["margins"].values())
    assert "{" not in page and "None" not in page and "nan" not in page


def test_the_document_is_json_and_says_of_every_point_what_the_table_says(document, timed):
    again = json.loads(json.dumps(document))
    assert set(again["points"]) == set(timed.points)
    assert again["points"][DEFAULT]["not_worse"] == {"strict": True, "by value": True}
    assert again["points"]["few-step, 1"]["not_worse"] == {"strict": False, "by value": False}
    assert again["rounds"] == 30 and again["most_steps"] == 50
    point = again["points"]["flow, dpmpp_2m 10"]
    seconds = point["latency"]["1"]["median_ms"] / 1000.0
    assert point["fraction_of_peak"] == pytest.approx(100e6 / seconds / 2e10), "of 20 billion multiply-adds a second"
    assert again["points"][REDRAWN]["latency"] == {} and again["points"][REDRAWN]["fraction_of_peak"] is None


def test_nothing_timed_is_said(document, pages):
    untimed = {**document, "conditions": {**document["conditions"], "load_median": None}}
    assert "Nothing is timed yet" in pages.page(untimed, "plot.svg")
    busy = {**document, "conditions": {**document["conditions"], "busy": True}}
    assert "**The machine was busy" in pages.page(busy, "plot.svg")
    assert "**The machine was busy" not in pages.page(document, "plot.svg")


def test_every_point_with_a_cost_has_a_spot_in_every_panel(report, timed, table):
    for one, named in ((timed, "milliseconds"), (table(), "multiply-adds")):
        panels, cost = report.panels_of(one)
        costed = {name for family in ("hybrid", "flow", "few-step") for name in one.costs(family)}
        assert named in cost and len(panels) == 3
        for panel in panels:
            assert {spot.name for spot in panel.spots} == costed
            assert all(spot.x_ends[0] <= spot.x <= spot.x_ends[1] for spot in panel.spots)
            assert all(spot.y_ends[0] <= spot.y <= spot.y_ends[1] for spot in panel.spots)


@pytest.mark.parametrize("lower", [True, False])
def test_no_point_of_the_family_beats_one_of_its_front(plots, lower):
    rng = np.random.default_rng(0)
    values = [(float(x), float(y)) for x, y in rng.uniform(1.0, 9.0, (30, 2))]
    spots = [plots.Spot(name=str(n), family="flow", x=x, x_ends=(x, x), y=y, y_ends=(y, y))
             for n, (x, y) in enumerate(values)]  # fmt: skip
    front = plots.Panel(title="", lower=lower, spots=spots).front("flow")
    sign = 1.0 if lower else -1.0
    assert 1 < len(front) < 30 and [spot.x for spot in front] == sorted(spot.x for spot in front)
    heights = [sign * spot.y for spot in front]
    assert heights == sorted(heights, reverse=True), "what costs more is better"
    for spot in front:
        assert not any(x < spot.x and sign * y < sign * spot.y for x, y in values)
    for x, y in values:
        assert any(spot.x <= x and sign * spot.y <= sign * y for spot in front)
    assert plots.Panel(title="", lower=lower, spots=spots).front("gan") == []


def test_the_plot_is_one_drawing_with_a_mark_for_every_spot(report, plots, timed):
    panels, cost = report.panels_of(timed)
    root = ET.fromstring(str(plots.frontier_plot(panels, cost)))
    titles = [element.text for element in root.iter() if element.tag.endswith("title")]
    for spot in panels[0].spots:
        assert titles.count(spot.name) == len(panels), spot.name
    assert root.tag.endswith("svg")


def test_pictures_seen_are_those_of_what_draws_and_not_of_its_tokenizer(load_benchmark) -> None:
    page = load_benchmark("frontier_page")
    tokenizer = {"seen_images": 7, "minutes": 1.0, "parameters": 1854480}
    drawing = {"validation": {"nll": 4.0}, "seen_images": 192000, "minutes": 62.0, "parameters": {"transformer": 3}}
    for figures in ({"tokenizer": tokenizer, "generator": drawing}, {"generator": drawing, "tokenizer": tokenizer}):
        model = {"sha256": "a" * 64, "parameters": {"transformer": 3_400_000}, "figures": figures}
        assert page.models_table({"hybrid": model}).endswith("| hybrid | `aaaaaaaaaaaa` | 3.4M | 192,000 | 62 |")
    assert page.training_of({"tokenizer": tokenizer}) == {}
