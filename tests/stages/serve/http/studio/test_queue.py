"""The queue: its order is what was said, over keys, pointers, other tabs and reloads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def line(open_studio, studio_server) -> Iterator[tuple]:
    """The queue's page with three jobs that wait in a paused queue; they are drawn afterwards."""
    studio = open_studio()
    call = studio.page.request
    api = f"{studio_server.url}/api/v1"
    assert call.post(f"{api}/queue/pause").ok
    jobs = [
        call.post(f"{api}/jobs", data={"request": {"prompt": prompt, "seed": 1}}).json()["id"]
        for prompt in ("a green heart", "a blue heart", "a gray heart")
    ]
    studio.go("queue")
    expect(rows(studio)).to_have_count(3)
    yield studio, jobs
    for job in jobs:
        call.post(f"{api}/jobs/{job}/cancel")
    call.post(f"{api}/queue/resume")


def rows(studio):
    return studio.page.locator(".queue-row[data-state=queued]")


def row(studio, prompt):
    return studio.page.locator(".queue-row", has=studio.page.get_by_role("heading", name=prompt))


def in_line(studio, *prompts):
    expect(rows(studio).get_by_role("heading")).to_have_text(list(prompts))


def positions(studio, jobs):
    api = f"{studio.url}/api/v1/jobs"
    return [studio.page.request.get(f"{api}/{job}").json()["position"] for job in jobs]


def test_a_job_is_moved_by_its_buttons_and_the_focus_stays_with_it(line):
    studio, jobs = line
    row(studio, "a gray heart").get_by_role("button", name="Earlier").press("Enter")
    in_line(studio, "a green heart", "a gray heart", "a blue heart")
    expect(row(studio, "a gray heart").get_by_role("button", name="Earlier")).to_be_focused()
    row(studio, "a gray heart").get_by_role("button", name="Later").press("Enter")
    in_line(studio, "a green heart", "a blue heart", "a gray heart")
    row(studio, "a gray heart").get_by_role("button", name="Draw it first").press("Enter")
    in_line(studio, "a gray heart", "a green heart", "a blue heart")
    assert positions(studio, jobs) == [1, 2, 0]


def test_a_job_is_dragged_before_another(line):
    studio, jobs = line
    row(studio, "a gray heart").drag_to(row(studio, "a green heart"))
    in_line(studio, "a gray heart", "a green heart", "a blue heart")
    assert positions(studio, jobs) == [1, 2, 0]


def test_a_canceled_job_is_told_and_undo_asks_for_it_again(line):
    studio, jobs = line
    row(studio, "a blue heart").get_by_role("button", name="Cancel").click()
    in_line(studio, "a green heart", "a gray heart")
    studio.page.get_by_role("button", name="Undo").click()
    in_line(studio, "a green heart", "a gray heart", "a blue heart")
    again = rows(studio).last.get_attribute("data-job")
    assert again not in jobs
    jobs.append(again)


def test_what_is_held_back_waits_apart_until_it_may_go_on(line):
    studio, _ = line
    row(studio, "a green heart").get_by_role("button", name="Hold it back").click()
    in_line(studio, "a blue heart", "a gray heart")
    held = studio.page.locator(".queue-row[data-state=held]")
    expect(held).to_contain_text("On hold")
    held.get_by_role("button", name="Let it go on").click()
    in_line(studio, "a green heart", "a blue heart", "a gray heart")


def test_a_pause_is_kept_over_a_reload_and_seen_in_another_tab_and_then_all_is_drawn(line, open_studio):
    studio, _ = line
    other = open_studio("queue")
    studio.page.reload()
    for one in (studio, other):
        expect(one.page.get_by_text("Paused.")).to_be_visible()
        in_line(one, "a green heart", "a blue heart", "a gray heart")
    studio.page.get_by_role("button", name="Go on").click()
    for one in (studio, other):
        expect(one.page.locator(".queue-row")).to_have_count(0)
        expect(one.page.get_by_text("Nothing waits.")).to_be_visible()
        expect(one.page.get_by_role("button", name="Pause all")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_queue_has_no_fault_for_those_who_listen_or_need_contrast_on_any_screen(line, open_studio, scheme):
    studio = open_studio("queue", width=360, color_scheme=scheme)
    expect(rows(studio)).to_have_count(3)
    row(studio, "a blue heart").get_by_role("button", name="Cancel").click()
    expect(studio.page.get_by_role("button", name="Undo")).to_be_visible()
    assert studio.faults() == []
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 360
