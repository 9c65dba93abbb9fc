"""Pictures: all entries decoded by as many processes as there are cores, few of them in memory at a time."""

from __future__ import annotations

import hashlib
import itertools
import queue
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from underpaint.core.errors import DataError, InputTooLarge, UnreadableImage
from underpaint.core.progress import Progress, Report
from underpaint.stages.data.folder.config import FolderConfig
from underpaint.stages.data.folder.finished import Finished
from underpaint.stages.data.folder.ledger import Chosen
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


class Decoding:
    """One pass over all pictures.

    Args:
        finished: Where decoded pictures go.
        bench: What the threads share.
    """

    def __init__(self, finished: Finished, bench: Bench) -> None:
        self.finished, self.ledger, self.bench = finished, finished.ledger, bench
        self._asked: set[bytes] = set()

    def take(self, position: int, content: bytes) -> None:
        """Have the picture of an entry decoded unless that was done or asked before."""
        key = hashlib.sha256(content).digest()
        self.ledger.set_key(position, key)
        if not (key in self._asked or self.ledger.has_failed(key) or self.ledger.record(key) is not None):
            self._asked.add(key)
            self.bench.jobs.put((key, content, self.finished.prepare(key)))
        self.collect()

    def collect(self) -> None:
        """Take down all answers that are there."""
        while not self.bench.answers.empty():
            key, answer = self.bench.answers.get()
            if "error" in answer:
                self.ledger.set_failed(key, answer.get("rule", ""), answer["error"])
            else:
                self.finished.add(key, answer)
            self._asked.discard(key)
        if self.bench.fatal:
            raise self.bench.fatal[0]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which entries' pictures are decoded.

    Args:
        chosen: All, or those with which nothing is wrong so far.
        most: Only so many entries are looked at, from the first one; all if None.
        total: How many that are.
    """

    chosen: Chosen
    most: int | None
    total: int


def decode_all(
    source: Source,
    scope: Scope,
    finished: Finished,
    config: FolderConfig,
    problems: Problems,
    *,
    jobs: int,
    report: Report,
    max_seconds: float = MAX_SECONDS,
) -> None:
    """Decode the pictures of the ledger's entries; those that are finished are not decoded again.

    Args:
        source: Reads their bytes.
        scope: Which ones.
        finished: Holds what is decoded, and the ledger, which takes down the key of each entry's picture.
        config: The settings.
        problems: Takes down the pictures that cannot be used.
        jobs: Number of processes.
        report: Receives progress.
        max_seconds: Limit of computing time for a picture.
    """
    bench = Bench(jobs=queue.Queue(WAITING * jobs))
    decoding = Decoding(finished, bench)
    threads = [threading.Thread(target=work_off, args=(bench, config, max_seconds), daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        read_all(source, scope, decoding, problems, report)
    except BaseException as error:
        bench.fatal.append(error)
        raise
    finally:
        for _ in threads:
            bench.jobs.put(None)
        for thread in threads:
            thread.join()
    decoding.collect()
    report(Progress(task="decode pictures", done=scope.total, total=scope.total, unit="pictures"))
    for position, rule, problem in finished.ledger.failures():
        problems.add(finished.ledger.entry(position).where, RULES.get(rule, UnreadableImage)(problem))


def read_all(source: Source, scope: Scope, decoding: Decoding, problems: Problems, report: Report) -> None:
    """Read the bytes of all pictures and hand them over."""
    entries, again = itertools.tee(decoding.ledger.entries(scope.chosen, scope.most))
    contents = source.contents(entry.place for _, entry in again)
    for number, ((position, entry), content) in enumerate(zip(entries, contents, strict=True), 1):
        if isinstance(content, DataError):
            problems.add(entry.where, content)
        else:
            decoding.take(position, content)
        if number % REPORT_EVERY == 0:
            report(Progress(task="decode pictures", done=number, total=scope.total, unit="pictures"))
