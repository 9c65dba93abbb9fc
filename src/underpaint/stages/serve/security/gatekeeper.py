"""One place that decides before anything is done: who calls, how much they may ask for, and which prompts are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from underpaint.core.errors import FieldError, InputError
from underpaint.stages.serve.security.key_file import KeyFile
from underpaint.stages.serve.security.key_ring import KeyRing
from underpaint.stages.serve.security.keys import KeyRecord, bearer
from underpaint.stages.serve.security.prompt_filter import PromptFilter
from underpaint.stages.serve.security.prompt_policy import default_policy, read_prompt_policy
from underpaint.stages.serve.security.quotas import Quotas
from underpaint.stages.serve.security.throttle import Throttle
from underpaint.stages.serve.security.throttle_config import ThrottleConfig

Notice = Callable[..., None]
"""Told the name of something that happened, and facts about it by keyword."""
QUOTAS = "quotas.sqlite"
BLOCKED = "moderation_blocked"


def unnoticed(_name: str, **_facts: Any) -> None:
    """Notice nothing."""


class Charge:
    """Pictures that were charged.

    Args:
        give_back: Counts them no more.
    """

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def undo(self) -> None:
        """Count them no more; a second time does nothing."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class Gatekeeper:
    """Decides about requests.

    Args:
        ring: The keys; None where there are none.
        throttle: How much a key may ask for; None for any.
        prompts: Decides about prompts; None for all.
        notice: Told of what is refused, flagged or logged; never a prompt, never a key.
    """

    def __init__(
        self,
        *,
        ring: KeyRing | None = None,
        throttle: Throttle | None = None,
        prompts: PromptFilter | None = None,
        notice: Notice = unnoticed,
    ) -> None:
        self._ring, self._throttle, self._prompts, self._notice = ring, throttle, prompts, notice

    def holder(self, authorization: str | None) -> KeyRecord | None:
        """Return whose key a request carries and count the request; None if its key opens nothing.

        Args:
            authorization: The header of that name; None if it is missing.

        Raises:
            RateLimited: The request comes too soon.
        """
        record = None if self._ring is None else self._ring.holder(bearer(authorization))
        if record is not None and self._throttle is not None:
            self._throttle.request(record.id, record.limits)
        return record

    def admit(self, key_id: str, prompt: str) -> None:
        """Refuse a prompt that must not be drawn.

        Args:
            key_id: Id of the key.
            prompt: As it came.

        Raises:
            FieldError: The policy blocks it; the message names the rule.
            PromptError: No model could read it.
        """
        if self._prompts is None:
            return
        decision = self._prompts.decide(prompt)
        if decision.action == "allow":
            return
        self._notice("prompt", key=key_id, action=decision.action, rule=decision.rule, policy=decision.policy)
        if decision.action == "block":
            raise FieldError(
                f"this server does not draw {decision.hits[0].about} (rule {decision.rule} of its policy "
                f"{decision.policy}); ask for something else",
                param="prompt",
                code=BLOCKED,
            )

    def charge(self, key_id: str, pictures: int, *, at_once: bool = True, name: str | None = None) -> None:
        """Count pictures that a key asks for, all or none.

        Args:
            key_id: Id of the key.
            pictures: How many.
            at_once: Whether they count in this minute; not for a batch, which waits behind everybody.
            name: Of what is asked for, if it may come again and shall count today once.

        Raises:
            RateLimited: They are too many, now or today.
            StorageError: They cannot be counted.
        """
        limits = None if self._ring is None else self._ring.limits_of(key_id)
        if limits is not None and self._throttle is not None:
            self._throttle.pictures(key_id, limits, pictures, at_once=at_once, name=name)

    def today(self) -> int:
        """Return the number of the day that pictures are charged to now."""
        return 0 if self._throttle is None else self._throttle.today()

    def give_back(self, key_id: str, pictures: int, day: int, *, at_once: bool = True, name: str | None = None) -> None:
        """Count pictures no more that were charged, since they were refused after all or are there already.

        Args:
            key_id: Id of the key.
            pictures: How many.
            day: On which they were charged, as ``today`` says it.
            at_once: As they were charged.
            name: As they were charged; nothing is given back twice.

        Raises:
            StorageError: They cannot be counted.
        """
        limits = None if self._ring is None else self._ring.limits_of(key_id)
        if limits is not None and self._throttle is not None:
            self._throttle.give_back(key_id, limits, pictures, day, at_once=at_once, name=name)

    @contextmanager
    def charged(self, key_id: str, pictures: int, *, at_once: bool = True, name: str | None = None) -> Iterator[Charge]:
        """Charge pictures as long as what is done inside does not fail, and nobody undoes it.

        Args:
            key_id: Id of the key.
            pictures: How many.
            at_once: As in ``charge``.
            name: As in ``charge``.

        Raises:
            RateLimited: They are too many, now or today.
            StorageError: They cannot be counted.
        """
        day = self.today()
        self.charge(key_id, pictures, at_once=at_once, name=name)
        charge = Charge(lambda: self.give_back(key_id, pictures, day, at_once=at_once, name=name))
        try:
            yield charge
        except BaseException:
            charge.undo()
            raise

    def close(self) -> None:
        """Close what is open."""
        if self._throttle is not None:
            self._throttle.close()


def open_gatekeeper(
    *, keys: Path | None, policy: str, throttle: ThrottleConfig, state: Path, notice: Notice = unnoticed
) -> Gatekeeper:
    """Return what decides about the requests of a server.

    Args:
        keys: The file of keys; None for none.
        policy: ``default``, ``none``, or the file of a policy.
        throttle: How much a key may ask for that says nothing of its own.
        state: The server's folder.
        notice: Told of what is refused, flagged or logged.

    Raises:
        InputError: No key opens anything, or the policy cannot be used.
        StorageError: The keys or the counts cannot be read.
    """
    prompts = None
    if policy != "none":
        prompts = PromptFilter(default_policy() if policy == "default" else read_prompt_policy(Path(policy)))
    if keys is None:
        return Gatekeeper(prompts=prompts, notice=notice)
    ring = KeyRing(KeyFile(keys), notice=lambda problem: notice("keys_unread", reason=problem))
    if ring.is_empty:
        raise InputError(f"{keys} holds no key that opens anything; run: underpaint keys create NAME --keys {keys}")
    limited = Throttle(throttle, Quotas(state / QUOTAS))
    return Gatekeeper(ring=ring, throttle=limited, prompts=prompts, notice=notice)
