"""Pictures: all entries decoded by as many processes as there are cores, few of them in memory at a time."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from underpaint.core.errors import DataError, InputTooLarge, UnreadableImage
from underpaint.core.progress import Progress, Report
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.entries import Entry
from underpaint.stages.data.folder.finished import Finished
from underpaint.stages.data.folder.problems import Problems
from underpaint.stages.data.folder.rows import Source
from underpaint.stages.data.worker_process import MAX_SECONDS, WorkerProcess

WAITING = 4
"""Pictures that wait for each process."""
REPORT_EVERY = 50
RULES: dict[str, type[DataError]] = {"InputTooLarge": InputTooLarge, "UnreadableImage": UnreadableImage}


class DecoderProcess(WorkerProcess):
    """One child process that decodes."""

    module = "underpaint.stages.data.folder.decoder"

    def decode(self, content: bytes, config: FolderConfig, out: Path) -> dict[str, Any]:
        """Decode the bytes of a picture file to ``out`` and return what is to be known of it, or ``error``."""
        job = {"length": len(content), "size": config.size, "background": config.background, "out": str(out)}
        return self.ask(job, content)


@dataclass
class Bench:
    """What the threads share: pictures to decode, answers, and what stopped everything."""

    jobs: queue.Queue[tuple[bytes, bytes, Path] | None]
    answers: queue.SimpleQueue[tuple[bytes, dict[str, Any]]] = field(default_factory=queue.SimpleQueue)
    fatal: list[BaseException] = field(default_factory=list)


def work_off(bench: Bench, config: FolderConfig, max_seconds: float) -> None:
    """Decode until there is nothing more, or something stopped everything."""
    process = DecoderProcess(max_seconds)
    try:
        while (job := bench.jobs.get()) is not None:
            if not bench.fatal:
                key, content, out = job
                bench.answers.put((key, process.decode(content, config, out)))
    except BaseException as error:
        bench.fatal.append(error)
        while bench.jobs.get() is not None:
            pass
    finally:
        process.close()


@dataclass
class Decoding:
    """The state of one pass over all pictures.

    Args:
        finished: Where decoded pictures go.
        config: The settings.
        bench: What the threads share.
        keys: Key of every entry so far; None where the bytes cannot be had.
        failed: Key to why its picture cannot be used.
    """

    finished: Finished
    config: FolderConfig
    bench: Bench
    keys: list[bytes | None] = field(default_factory=list)
    failed: dict[bytes, DataError] = field(default_factory=dict)
    _asked: set[bytes] = field(default_factory=set)

    def take(self, content: bytes) -> None:
        """Have a picture decoded unless that was done or asked before."""
        key = hashlib.sha256(content).digest()
        self.keys.append(key)
        if key not in self.finished.rows and key not in self._asked:
            self._asked.add(key)
            self.bench.jobs.put((key, content, self.finished.prepare(key)))
        self.collect()

    def collect(self) -> None:
        """Take down all answers that are there."""
        while not self.bench.answers.empty():
            key, answer = self.bench.answers.get()
            if "error" in answer:
                kind = RULES.get(answer.get("rule", ""), UnreadableImage)
                self.failed[key] = kind(answer["error"])
            else:
                self.finished.add(key, answer)
        if self.bench.fatal:
            raise self.bench.fatal[0]


def decode_all(
    source: Source,
    entries: Sequence[Entry],
    finished: Finished,
    config: FolderConfig,
    problems: Problems,
    *,
    jobs: int,
    report: Report,
    max_seconds: float = MAX_SECONDS,
) -> list[bytes | None]:
    """Decode the pictures of all entries; those that are finished are not decoded again.

    Args:
        source: Reads their bytes.
        entries: The entries, in the order of the source.
        finished: Holds what is decoded.
        config: The settings.
        problems: Takes down the pictures that cannot be used.
        jobs: Number of processes.
        report: Receives progress.
        max_seconds: Limit of computing time for a picture.

    Returns:
        Key of each entry's picture in ``finished``; None where there is none.
    """
    bench = Bench(jobs=queue.Queue(WAITING * jobs))
    decoding = Decoding(finished, config, bench)
    threads = [threading.Thread(target=work_off, args=(bench, config, max_seconds), daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        read_all(source, entries, decoding, problems, report)
    except BaseException as error:
        bench.fatal.append(error)
        raise
    finally:
        for _ in threads:
            bench.jobs.put(None)
        for thread in threads:
            thread.join()
    decoding.collect()
    report(Progress(task="decode pictures", done=len(entries), total=len(entries), unit="pictures"))
    return judged(entries, decoding, problems)


def read_all(source: Source, entries: Sequence[Entry], decoding: Decoding, problems: Problems, report: Report) -> None:
    """Read the bytes of all pictures and hand them over."""
    contents = source.contents([entry.place for entry in entries])
    for number, (entry, content) in enumerate(zip(entries, contents, strict=True), 1):
        if isinstance(content, DataError):
            decoding.keys.append(None)
            problems.add(entry.where, content)
        else:
            decoding.take(content)
        if number % REPORT_EVERY == 0:
            report(Progress(task="decode pictures", done=number, total=len(entries), unit="pictures"))


def judged(entries: Sequence[Entry], decoding: Decoding, problems: Problems) -> list[bytes | None]:
    """Take down the pictures that failed and return the keys of the others."""
    keys: list[bytes | None] = []
    for entry, key in zip(entries, decoding.keys, strict=True):
        error = decoding.failed.get(key) if key is not None else None
        if error is not None:
            problems.add(entry.where, error)
        keys.append(None if error is not None else key)
    return keys
