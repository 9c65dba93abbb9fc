"""Clients that go on asking a server that is killed, and remember what it accepted.

Whatever has a key is sent again under it until it is answered, as a careful client does; of what has none, it is
counted how it ended.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2

TIMEOUT_S = 120.0
"""A client that waits for longer has been left hanging."""
PROMPTS = ("a red heart", "a cat", "a blue star", "a smiling sun", "a green tree")
GENERATIONS = "/v1/images/generations"


class Ledger:
    """What clients were told."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}
        self.asked: dict[str, dict[str, Any]] = {}
        self.contradicted: list[str] = []
        self.batches: dict[str, list[str]] = {}
        self.ends: Counter[str] = Counter()

    def accepted(self, key: str, job: str) -> None:
        """Remember the job that a key means; another one than before is a contradiction."""
        if self.jobs.setdefault(key, job) != job:
            self.contradicted.append(key)


class Clients:
    """Clients in threads, until they are told to stop.

    Args:
        url: The server's address, which stays the same.
        seed: Chooses what is asked for.
        pause_s: Seconds between two requests of a client.
    """

    def __init__(self, url: str, seed: int, pause_s: float) -> None:
        self.url, self.ledger = url, Ledger()
        self._seed, self._pause_s = seed, pause_s
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(work, number), daemon=True)
            for number, work in enumerate((self._hand_in, self._hand_in_batch, self._watch, self._ask))
        ]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait until everything that was begun has ended."""
        self._over.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUT_S)
            self.ledger.ends["client hung"] += thread.is_alive()

    def _run(self, work: Callable[[httpx2.Client, int, random.Random], None], number: int) -> None:
        dice, turn = random.Random(1000 * self._seed + number), 0
        while not self._over.is_set():
            with httpx2.Client(base_url=self.url, timeout=TIMEOUT_S) as client:
                work(client, turn, dice)
            turn += 1
            self._over.wait(self._pause_s * dice.uniform(0.5, 1.5))

    def _until_answered(self, what: str, send: Callable[[], httpx2.Response]) -> Any:
        """Send again until there is a success; anything but a broken connection or a refusal for now is counted."""
        while True:
            try:
                answer = send()
            except httpx2.TimeoutException:
                self.ledger.ends[f"{what}: hung"] += 1
                return None
            except httpx2.HTTPError:
                time.sleep(0.1)
                continue
            if answer.is_success:
                return answer.json()
            code = answer.json()["error"]["code"]
            if answer.status_code not in (429, 503):
                self.ledger.ends[f"{what}: {answer.status_code} {code}"] += 1
                return None
            time.sleep(0.1)

    def _hand_in(self, client: httpx2.Client, turn: int, dice: random.Random) -> None:
        """Hand in a job under a key; every fourth time an old one again."""
        key = f"key-{turn}" if turn % 4 or not turn else f"key-{dice.randrange(turn) // 4 * 4 + 1}"
        asked = self.ledger.asked.setdefault(
            key, {"prompt": dice.choice(PROMPTS), "n": dice.choice((1, 1, 2, 3)), "seed": 10 * turn}
        )
        job = self._until_answered(
            "job",
            lambda: client.post("/api/v1/jobs", json={"request": asked}, headers={"idempotency-key": key}),
        )
        if job is not None:
            self.ledger.accepted(key, job["id"])

    def _hand_in_batch(self, client: httpx2.Client, turn: int, dice: random.Random) -> None:
        """Upload a file and begin a batch, unless enough of them run."""
        names = [f"line-{turn}-{number}" for number in range(dice.randint(2, 8))]
        lines = [_line(name, 10**6 + 1000 * turn + 10 * number) for number, name in enumerate(names)]
        files = {"file": ("lines.jsonl", "\n".join(map(json.dumps, lines)).encode())}
        file = self._until_answered("file", lambda: client.post("/v1/files", data={"purpose": "batch"}, files=files))
        if file is None:
            return
        body = {"input_file_id": file["id"], "endpoint": GENERATIONS, "completion_window": "24h"}
        batch = self._until_answered("batch", lambda: client.post("/v1/batches", json=body))
        if batch is not None:
            self.ledger.batches[batch["id"]] = names
        self._over.wait(8 * self._pause_s)

    def _watch(self, client: httpx2.Client, turn: int, dice: random.Random) -> None:
        """Ask for a stream and see how it ends."""
        body = {"prompt": dice.choice(PROMPTS), "stream": True, "seed": 10**7 + turn}
        self._once("stream", lambda: client.post(GENERATIONS, json=body), lambda answer: _end_of_stream(answer.text))

    def _ask(self, client: httpx2.Client, turn: int, dice: random.Random) -> None:
        """Ask for pictures and wait for them; every other time under a key, until they are there."""
        body = {"prompt": dice.choice(PROMPTS), "n": 2, "seed": 10**8 + 10 * turn}
        if turn % 2:
            self._once("request", lambda: client.post(GENERATIONS, json=body), lambda answer: _pictures(answer, 2))
            return
        key = {"idempotency-key": f"asked-{turn}"}
        answer = self._until_answered("keyed request", lambda: client.post(GENERATIONS, json=body, headers=key))
        if answer is not None:
            self.ledger.ends[f"keyed request: {len(answer['data'])} pictures"] += 1

    def _once(self, what: str, send: Callable[[], httpx2.Response], end_of: Callable[[httpx2.Response], str]) -> None:
        try:
            answer = send()
        except httpx2.TimeoutException:
            end = "hung"
        except httpx2.ConnectError:
            time.sleep(0.5)
            return
        except httpx2.HTTPError:
            end = "connection broken"
        else:
            end = end_of(answer) if answer.is_success else f"{answer.status_code} {answer.json()['error']['code']}"
        self.ledger.ends[f"{what}: {end}"] += 1


def _line(name: str, seed: int) -> dict[str, Any]:
    return {
        "custom_id": name,
        "method": "POST",
        "url": GENERATIONS,
        "body": {"prompt": "a red heart", "seed": seed, "response_format": "url"},
    }


def _end_of_stream(text: str) -> str:
    if "image_generation.completed" in text:
        return "completed"
    return "error event" if "event: error" in text else "ended without an end"


def _pictures(answer: httpx2.Response, expected: int) -> str:
    found = len(answer.json()["data"])
    return "answered" if found == expected else f"{found} of {expected} pictures"
