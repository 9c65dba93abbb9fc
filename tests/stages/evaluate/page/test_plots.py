from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from underpaint.stages.evaluate.page.axes import Axis, linear_ticks, log_ticks, tick_label
from underpaint.stages.evaluate.page.forest import Row, Scale, forest_plot
from underpaint.stages.evaluate.page.plots import Line, Point, curve_plot, front_of, pareto_plot
from underpaint.stages.evaluate.page.tradeoff import dominates, trade_off

EVIL = "<script>&\"'\x00"
SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)


@pytest.mark.parametrize("width", [300.0, 878.0])
def test_the_forest_plot_is_sound_xml_and_says_what_it_shows(width: float) -> None:
    rows = [
        Row(label=EVIL, value=0.3, low=0.2, high=0.4, text="0.3", verdict="pass", ceiling=0.9, null=(-0.1, 0.1)),
        Row(label="open", value=0.3, low=None, high=0.4, text="0.3", verdict="fail"),
        Row(label="none", value=None, text="too few samples"),
    ]
    root = parse(forest_plot(rows, Scale(title="margins", line=0.0, margin=1.0, low=-2, high=2), width=width))
    assert "none: too few samples" in root.attrib["aria-label"]
    assert root.attrib["role"] == "img"
    assert len(root.findall(f".//{SVG}polygon[@class='ceiling']")) == 1


def test_an_interval_beyond_the_axis_ends_in_an_arrow() -> None:
    row = Row(label="far", value=1.0, low=-5.0, high=9.0, text="1")
    root = parse(forest_plot([row], Scale(title="x", low=-2.0, high=2.0), width=600))
    assert len(root.findall(f".//{SVG}polyline")) == 2


@pytest.mark.parametrize("log", [False, True])
def test_the_pareto_plot_draws_the_front_as_stairs(log: bool) -> None:
    points = [
        Point(label=EVIL, x=1.0, y=0.2, x_low=0.9, x_high=1.1, y_low=0.1, y_high=0.3, on_front=True),
        Point(label="best", x=30.0, y=0.9, on_front=True, highlighted=True),
        Point(label="beaten", x=40.0, y=0.1),
    ]
    root = parse(pareto_plot(points, x_label="ms", y_label="quality", width=600, log=log))
    stairs = root.findall(f".//{SVG}polyline[@class='front']")[0].attrib["points"].split()
    assert len(stairs) == 2 * 2 + 2
    assert [point.label for point in front_of(points)] == [EVIL, "best"]
    assert dominates(points[0], points[2]) and not dominates(points[0], points[1])


def test_a_trade_off_needs_two_candidates() -> None:
    assert trade_off([Point(label="one", x=1, y=1)], quality="q", cost="c") is None


@pytest.mark.parametrize("diagonal", [False, True])
def test_curves_have_bands_where_intervals_are_known(diagonal: bool) -> None:
    lines = [
        Line(label=EVIL, x=[0.1, 0.5], y=[0.2, 0.4], low=[0.1, 0.3], high=[0.3, 0.5]),
        Line(label="b", x=[0.3], y=[0.3]),
    ]
    root = parse(curve_plot(lines, x_label="x", y_label="y", width=300, diagonal=diagonal))
    assert len(root.findall(f".//{SVG}polygon")) == 1
    assert len(root.findall(f".//{SVG}circle")) == 3


def test_equal_values_still_have_an_axis() -> None:
    parse(curve_plot([Line(label="flat", x=[3.0], y=[0.0])], x_label="x", y_label="y", width=300))
    parse(pareto_plot([Point(label="one", x=0.0, y=0.0)], x_label="x", y_label="y", width=300))


def test_ticks_are_round_and_inside() -> None:
    assert linear_ticks(0.0, 1.0, 5) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert log_ticks(1.0, 100.0, 8) == pytest.approx([1, 2, 5, 10, 20, 50, 100])
    assert [tick_label(tick, [0.0, 0.25, 0.5]) for tick in (0.0, 0.25)] == ["0.00", "0.25"]


def test_an_axis_maps_its_ends_and_holds_what_is_outside() -> None:
    axis = Axis(low=1.0, high=100.0, start=0.0, end=200.0, log=True)
    assert [axis.at(value) for value in (1.0, 10.0, 100.0, 1e6)] == pytest.approx([0.0, 100.0, 200.0, 200.0])
