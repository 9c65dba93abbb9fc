from __future__ import annotations

import errno
import io
import json
import os
import pty
import select
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

import pytest

from underpaint.cli.output import LINE_EVERY_S, Output, describe, duration, plural
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress
from underpaint.core.warning import PerformanceWarning


@dataclass
class Clock:
    now: float = 100.0
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plain(clock: Clock) -> Output:
    return Output(stdout=io.StringIO(), stderr=clock.stream, environ={}, clock=clock)


@dataclass
class Terminal:
    stream: TextIO
    reader: int

    def read(self, wait_s: float = 1.0) -> str:
        """Read until nothing more comes: a terminal hands its text over in pieces."""
        shown = b""
        while select.select([self.reader], [], [], wait_s)[0]:
            shown += os.read(self.reader, 100_000)
        return shown.decode()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield Terminal(stream, reader)
    os.close(reader)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-1, "0s"), (59.4, "59s"), (59.6, "1m00s"), (3599.6, "1h00m"), (7 * 3600 + 120, "7h02m")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_report_is_described_in_one_line() -> None:
    progress = Progress(task="train", done=3, total=9, unit="steps", note="loss 0.5")
    assert describe(progress, left_s=61) == "train: 3/9 steps · 1m01s left · loss 0.5"
    assert describe(Progress(task="read", done=3), left_s=None) == "read: 3"


def test_without_a_terminal_there_is_a_line_now_and_then_and_one_at_the_end(plain: Output, clock: Clock) -> None:
    for done in range(101):
        plain.report(Progress(task="draw", done=done, total=100))
        clock.now += LINE_EVERY_S / 40
    assert clock.stream.getvalue().splitlines() == [
        "draw: 0/100",
        "draw: 8/100 · 23s left",
        "draw: 28/100 · 18s left",
        "draw: 68/100 · 8s left",
        "draw: 100/100",
    ]


def test_the_first_lines_of_every_task_come_early(plain: Output, clock: Clock) -> None:
    for task in ("draw", "write"):
        began = clock.now
        for second in range(40):
            clock.now = began + second
            plain.report(Progress(task=f"{task} {task}", done=second, note=f"after {second}"))
    seen = [line.rpartition(" ")[2] for line in clock.stream.getvalue().splitlines()]
    assert seen == ["0", "2", "7", "17", "27", "37"] * 2


def test_every_task_is_announced_at_once(plain: Output, clock: Clock) -> None:
    for task in ("fetch", "render", "fetch"):
        plain.report(Progress(task=task, done=0))
    assert clock.stream.getvalue() == "fetch\nrender\nfetch\n"


def test_where_there_is_nothing_to_do_nothing_is_said(plain: Output, clock: Clock) -> None:
    plain.report(Progress(task="decode", done=0, total=0, unit="pictures"))
    plain.report(Progress(task="verify files", done=0, unit="files"))
    assert clock.stream.getvalue() == "verify files\n"


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [(1, 1, "1/1 picture"), (1, 3, "1/3 pictures"), (1, None, "1 picture"), (2, None, "2 pictures")],
)
def test_one_is_singular(done: int, total: int | None, text: str) -> None:
    assert describe(Progress(task="draw", done=done, total=total, unit="pictures"), left_s=None) == f"draw: {text}"
    assert plural(1, "rows") == "1 row" and plural(1000, "rows") == "1,000 rows"


def test_the_notes_of_an_error_follow_it(plain: Output, clock: Clock) -> None:
    error = InputError("it is wrong")
    error.add_note("its work is kept")
    assert plain.error(error) == 2
    assert clock.stream.getvalue() == "error: it is wrong\nits work is kept\n"


def test_the_time_left_counts_from_where_this_run_began(plain: Output, clock: Clock) -> None:
    plain.report(Progress(task="train", done=900, total=1000))
    clock.now += 20
    plain.report(Progress(task="train", done=910, total=1000))
    assert clock.stream.getvalue().splitlines()[-1] == "train: 910/1000 · 3m00s left"


def test_a_terminal_gets_one_bar_that_is_redrawn(terminal: Terminal, clock: Clock) -> None:
    output = Output(stdout=io.StringIO(), stderr=terminal.stream, environ={}, clock=clock)
    for done in (0, 1, 2):
        output.report(Progress(task="draw", done=done, total=2, unit="pictures"))
        clock.now += 1
    output.note("done")
    shown = terminal.read()
    assert shown.count("\r\x1b[K") == 3
    assert "████████████░░░░░░░░░░░░ draw: 1/2 pictures · 1s left" in shown
    assert shown.endswith("draw: 2/2 pictures\r\ndone\r\n")


def test_what_a_caller_is_warned_of_is_read_whole_and_once_on_a_narrow_terminal(
    terminal: Terminal, clock: Clock
) -> None:
    output = Output(stdout=io.StringIO(), stderr=terminal.stream, environ={}, clock=clock)
    text = "tiny takes two to three times as long here as in 32 bits: " + "why, " * 20 + "and the end"
    with output.noting():
        output.report(Progress(task="load the model", done=0))
        for _ in range(2):
            warnings.warn(text, PerformanceWarning, stacklevel=1)
    assert terminal.read().endswith(f"load the model\r\nnote: {text}\r\n")


def test_warnings_that_are_not_ours_are_left_to_python(plain: Output, clock: Clock) -> None:
    with pytest.warns(DeprecationWarning, match="old"), plain.noting():
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert clock.stream.getvalue() == ""
    quiet = Output(quiet=True, stdout=io.StringIO(), stderr=clock.stream, environ={}, clock=clock)
    with quiet.noting():
        warnings.warn("slow", PerformanceWarning, stacklevel=1)
    assert clock.stream.getvalue() == ""


def test_an_error_does_not_stick_to_an_open_bar(terminal: Terminal, clock: Clock) -> None:
    output = Output(stdout=io.StringIO(), stderr=terminal.stream, environ={}, clock=clock)
    output.report(Progress(task="draw", done=1, total=2))
    output.error(InputError("no"))
    assert terminal.read().endswith("draw: 1/2\r\n\x1b[1;31merror:\x1b[0m no\r\n")


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_color_can_be_refused(terminal: Terminal, environ: dict[str, str]) -> None:
    Output(stdout=io.StringIO(), stderr=terminal.stream, environ=environ).error(InputError("no"))
    assert terminal.read() == "error: no\r\n"


def test_a_pipe_gets_no_escape_codes(plain: Output, clock: Clock) -> None:
    plain.error(InputError("no"))
    assert clock.stream.getvalue() == "error: no\n"


def test_text_that_the_terminal_cannot_show_is_escaped() -> None:
    raw = io.BytesIO()
    output = Output(stdout=io.TextIOWrapper(raw, encoding="ascii"), stderr=io.StringIO(), environ={})
    output.result("caf\xe9 \udcff", {})
    assert raw.getvalue() == b"caf\\xe9 \\udcff\n"


class FullDisk(io.StringIO):
    """A stream that takes nothing, as /dev/full does."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_under_json_output_is_told_on_stderr():
    stderr = io.StringIO()
    output = Output(json_mode=True, stdout=FullDisk(), stderr=stderr, environ={})
    with pytest.raises(OSError) as caught:
        output.result("done", {})
    assert output.error(caught.value) == 6
    message = json.loads(stderr.getvalue())["error"]["message"]
    assert "cannot write the output" in message and "disk is full" in message
