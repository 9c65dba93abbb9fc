"""What a person or a machine sees: results on stdout; progress and errors on stderr; color only where it is wanted."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from underpaint.core.errors import UnderpaintError
from underpaint.core.progress import Progress
from underpaint.core.warning import PerformanceWarning

DEBUG = "UNDERPAINT_DEBUG"
SETUP, STORAGE, DEFECT, INTERRUPTED = 5, 6, 70, 130
AGAIN = "run the same command again"
"""What is said where nothing is kept."""
TORCH_MISSING = "this needs PyTorch, which is not installed; run: "
BAR_WIDTH = 24
DRAW_EVERY_S = 0.1
LINE_EVERY_S = 10.0
FIRST_LINES_S = (2.0, 5.0)
"""Without a terminal, the waits for the second and third line of a task: early ones say that it moves."""


def duration(seconds: float) -> str:
    """Write a duration in a few characters: ``8s``, ``3m05s``, ``2h07m``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def plural(number: int, unit: str) -> str:
    """Write a number with its unit: ``1 picture``, ``2,000 pictures``.

    Args:
        number: How many.
        unit: What, in the plural that ends with ``s``.
    """
    return f"{number:,} {unit[:-1] if number == 1 else unit}"


def amount(progress: Progress) -> str:
    """Write how far something is: ``3/9 steps``, ``1/1 picture``, ``3``."""
    if not progress.unit:
        return f"{progress.done}/{progress.total}" if progress.total else f"{progress.done}"
    unit = progress.unit[:-1] if (progress.total or progress.done) == 1 else progress.unit
    return f"{progress.done}/{progress.total} {unit}" if progress.total else f"{progress.done} {unit}"


def describe(progress: Progress, *, left_s: float | None) -> str:
    """Return one line of text for a progress report.

    Args:
        progress: The report.
        left_s: Estimated seconds until the end, if known.
    """
    parts = [progress.task if progress.total is None and not progress.done else f"{progress.task}: {amount(progress)}"]
    if left_s is not None:
        parts.append(f"{duration(left_s)} left")
    if progress.note:
        parts.append(progress.note)
    return " · ".join(parts)


class Output:
    """The only place of underpaint that writes to the terminal.

    Args:
        json_mode: Results and errors are single JSON documents.
        quiet: Show no progress and no notes.
        stdout: Where results go; the process's own if None.
        stderr: Where progress and errors go; the process's own if None.
        environ: Environment variables (``NO_COLOR``, ``TERM``, ``UNDERPAINT_DEBUG``); the process's own if None.
        clock: Monotonic seconds; replaceable in tests.
    """

    def __init__(
        self,
        *,
        json_mode: bool = False,
        quiet: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.json_mode = json_mode
        self.quiet = quiet
        self.resume_hint = AGAIN
        self.extra = "train"  # what brings torch and all else that the command needs
        self.error_code: int | None = None  # of every deliberate error; None for each error's own
        self._stdout = sys.stdout if stdout is None else stdout
        self._stderr = sys.stderr if stderr is None else stderr
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._live = self._stderr.isatty() and self._environ.get("TERM") != "dumb"
        self._color = self._live and not self._environ.get("NO_COLOR")
        self._task: str | None = None
        self._first = (0.0, 0)  # time and count of the task's first report, for the time left
        self._drawn_at = float("-inf")
        self._lines = 0  # shown of the task
        self._bar_open = False
        for stream in (self._stdout, self._stderr):
            if callable(reconfigure := getattr(stream, "reconfigure", None)):
                reconfigure(errors="backslashreplace")

    def report(self, progress: Progress) -> None:
        """Show a progress report: a bar on a terminal, now and then a line elsewhere; nothing if there is none to make.

        Args:
            progress: The report; a total of zero means that there is nothing to do.
        """
        if self.quiet or progress.total == 0:
            return
        now = self._clock()
        if progress.task != self._task:
            self._end_bar()
            self._task, self._first, self._drawn_at = progress.task, (now, progress.done), float("-inf")
            self._lines = 0
        finished = progress.total is not None and progress.done >= progress.total
        if now - self._drawn_at < (DRAW_EVERY_S if self._live else self._line_wait_s()) and not finished:
            return
        self._drawn_at = now
        self._lines += 1
        line = describe(progress, left_s=self._left_s(progress, now))
        self._draw_bar(progress, line) if self._live else self._write_error(line)
        if finished:
            self._end_bar()
            self._task = None

    def note(self, text: str) -> None:
        """Say something beside the result, on stderr; nothing if quiet."""
        if not self.quiet:
            self._end_bar()
            self._write_error(text)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Make notes of what a command warns its callers of, each once; warnings of others go where they went."""
        with warnings.catch_warnings():
            warnings.simplefilter("always", PerformanceWarning)
            before, noted = warnings.showwarning, set[str]()

            def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
                if not issubclass(category, PerformanceWarning):
                    before(message, category, *where)
                elif (text := str(message)) not in noted:
                    noted.add(text)
                    self.note(f"note: {text}")

            warnings.showwarning = show
            yield

    def result(self, human: str, data: Mapping[str, Any]) -> None:
        """Print the command's result.

        Args:
            human: For people.
            data: The same for machines; JSON values and paths.
        """
        self._end_bar()
        text = json.dumps(data, indent=2, ensure_ascii=False, default=_plain) if self.json_mode else human
        self._stdout.write(f"{text}\n")
        self._stdout.flush()

    def error(self, error: BaseException) -> int:
        """Show an exception as one message and return the exit code that belongs to it.

        Args:
            error: A deliberate error, an interruption, a full disk, or a defect.
        """
        self._end_bar()
        kind, message, code = self._explain(error)
        if self.error_code is not None and code < DEFECT:
            code = self.error_code
        label = "\x1b[1;31merror:\x1b[0m" if self._color else "error:"
        self._tell(kind, message, code, f"{label} {message}")
        if self._environ.get(DEBUG):
            self._write_error("".join(traceback.format_exception(error)).rstrip())
        return code

    def terminated(self, code: int) -> None:
        """Say how to go on after SIGTERM, if anything was kept that one could go on with.

        Args:
            code: The exit code.
        """
        self._end_bar()
        if self.resume_hint != AGAIN:
            message = f"terminated; {self.resume_hint}"
            self._tell("Terminated", message, code, message)

    def _tell(self, kind: str, message: str, code: int, human: str) -> None:
        """Show why a command ends: as a JSON document, or as a text for people."""
        if self.json_mode:
            document = {"error": {"type": kind, "message": message, "exit_code": code}}
            self._write_document(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            self._write_error(human)

    def close(self) -> None:
        """Finish an open bar and flush both streams."""
        self._end_bar()
        self._stdout.flush()
        self._stderr.flush()

    def _explain(self, error: BaseException) -> tuple[str, str, int]:
        """Return the name of the error's class, a message and an exit code."""
        kind = type(error).__name__
        if isinstance(error, UnderpaintError):
            return kind, "\n".join([str(error), *getattr(error, "__notes__", ())]), error.exit_code
        if isinstance(error, KeyboardInterrupt):
            return "Interrupted", f"interrupted; {self.resume_hint}", INTERRUPTED
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            from underpaint.core.installing import pip_command

            return "MissingDependency", TORCH_MISSING + pip_command(self.extra), SETUP
        if isinstance(error, OSError) and error.errno is not None and error.strerror:
            return "StorageError", _explain_os_error(error), STORAGE
        return (
            kind,
            f"this is a defect in underpaint, not a mistake of yours ({kind}: {error}); "
            f"run again with {DEBUG}=1 for the details and report them",
            DEFECT,
        )

    def _line_wait_s(self) -> float:
        """Return the seconds between the last line of a task and its next."""
        return FIRST_LINES_S[self._lines - 1] if 0 < self._lines <= len(FIRST_LINES_S) else LINE_EVERY_S

    def _left_s(self, progress: Progress, now: float) -> float | None:
        began, first = self._first
        if not progress.total or progress.done <= first or progress.done >= progress.total:
            return None
        return (now - began) / (progress.done - first) * (progress.total - progress.done)

    def _draw_bar(self, progress: Progress, line: str) -> None:
        bar = ""
        if progress.total:
            filled = BAR_WIDTH * min(progress.done, progress.total) // progress.total
            bar = "█" * filled + "░" * (BAR_WIDTH - filled) + " "
        width = os.get_terminal_size(self._stderr.fileno()).columns or 80
        self._stderr.write(f"\r\x1b[K{(bar + line)[: width - 1]}")
        self._stderr.flush()
        self._bar_open = True

    def _end_bar(self) -> None:
        if self._bar_open:
            self._stderr.write("\n")
            self._stderr.flush()
            self._bar_open = False

    def _write_document(self, text: str) -> None:
        """Write JSON to stdout, or to stderr where stdout takes no more."""
        try:
            self._stdout.write(f"{text}\n")
            self._stdout.flush()
        except BrokenPipeError:
            raise
        except OSError:
            self._write_error(text)

    def _write_error(self, text: str) -> None:
        self._stderr.write(f"{text}\n")
        self._stderr.flush()


def _explain_os_error(error: OSError) -> str:
    """Return what is wrong with which path and what to do; full disks and permissions in our own words."""
    from underpaint.core.artifact import storage_errors
    from underpaint.core.errors import StorageError

    path = Path(os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "the output")
    try:
        with storage_errors(path):
            raise error
    except StorageError as known:
        return str(known)
    except OSError:
        return f"cannot use {path}: {error.strerror}; check the path"


def _plain(value: object) -> str:
    """Give JSON a path as a string."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")
