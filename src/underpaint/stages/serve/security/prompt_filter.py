"""A policy at work: from a prompt to a decision and the rules behind it. The prompt itself is never changed.

All terms of a policy form one tree of words, walked along the lattice of the prompt. What a rule excepts is found in
the same walk: a match within an excepted phrase does not count.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from underpaint.core.text import canonicalize
from underpaint.stages.serve.security.lattice import Lattice, lattice_of
from underpaint.stages.serve.security.prompt_policy import SEVERITY, Action, PromptPolicy, Rule
from underpaint.stages.serve.security.terms import Term, Word, in_one_word, spellings
from underpaint.stages.serve.security.vocabulary import How, Vocabulary

MAX_PROMPT, READ = 32_000, 2_000
"""Longest prompt, and how much of it is looked at: five times what any model reads, in a few milliseconds."""
NO_RULE = "no-rule"
Place = tuple[int, int]
"""Number of a rule, and of a group of it; -1 for what it excepts."""


@dataclass(frozen=True, order=True)
class Span:
    """Tokens that are a term of a policy.

    Args:
        start: The first of them.
        end: The one after the last.
        how: How the most disguised of its words is written.
    """

    start: int
    end: int
    how: How = "plain"


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A rule that holds for a prompt.

    Args:
        rule: Its id.
        action: What it asks for.
        about: What it is about.
        words: What in the prompt it is about, one text for each group of terms.
        how: How each of these is written.
    """

    rule: str
    action: Action
    about: str
    words: tuple[str, ...]
    how: tuple[How, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is done with a prompt.

    Args:
        action: What is done.
        rule: Id of the rule that decided; ``no-rule`` if none holds.
        hits: All rules that hold, the one that decided first.
        policy: Name, version and digest of the policy.
    """

    action: Literal["block", "flag", "log", "allow"]
    rule: str
    hits: tuple[Hit, ...]
    policy: str


@dataclass
class Node:
    """A place in the tree of terms.

    Args:
        after: Number of the next word to the place after it.
        ends: Rules and groups of the terms that end here.
    """

    after: dict[int, Node] = field(default_factory=dict)
    ends: list[Place] = field(default_factory=list)


class PromptFilter:
    """Decides about prompts. It may be used by several threads.

    Args:
        policy: The policy.
    """

    def __init__(self, policy: PromptPolicy) -> None:
        self.policy, self.title = policy, policy.title
        numbers: dict[Word, int] = {}
        alone: set[int] = set()
        self._root = Node()
        for place, term in _all_terms(policy):
            node = self._root
            for word in term:
                node = node.after.setdefault(numbers.setdefault(word, len(numbers)), Node())
            if place not in node.ends:
                node.ends.append(place)
            if len(term) == 1 and place[1] >= 0:
                alone.add(numbers[term[0]])
        self._vocabulary = Vocabulary(numbers, alone)

    def decide(self, prompt: str) -> Decision:
        """Decide about a prompt.

        Args:
            prompt: As it came.

        Raises:
            PromptError: No model could read it.
        """
        lattice = lattice_of(canonicalize(prompt, max_characters=MAX_PROMPT)[:READ], self._vocabulary)
        found: dict[Place, list[Span]] = defaultdict(list)
        for start in lattice.edges:
            self._walk(self._root, start, start, "plain", lattice, found)
        hits = [hit for hit in self._hits(found, lattice.tokens) if hit is not None] if found else []
        hits.sort(key=lambda hit: -SEVERITY[hit.action])
        first = hits[0] if hits else None
        return Decision(
            action="allow" if first is None else first.action,
            rule=NO_RULE if first is None else first.rule,
            hits=tuple(hits),
            policy=self.title,
        )

    def _walk(
        self, node: Node, start: int, at: int, how: How, lattice: Lattice, found: dict[Place, list[Span]]
    ) -> None:
        """Take down every term that begins at ``start`` and goes on at ``at``."""
        for edge in lattice.edges.get(at, ()):
            after = node.after.get(edge.word)
            if after is None:
                continue
            worst = how if edge.how == "plain" else edge.how
            for place in after.ends:
                found[place].append(Span(start, edge.end, worst))
            if after.after:
                self._walk(after, start, edge.end, worst, lattice, found)

    def _hits(self, found: Mapping[Place, Sequence[Span]], tokens: Sequence[str]) -> Iterator[Hit | None]:
        for number, rule in enumerate(self.policy.rules):
            if (number, 0) in found:
                yield _hit(rule, number, found, tokens)


def _all_terms(policy: PromptPolicy) -> Iterator[tuple[Place, Term]]:
    """Yield every spelling of every term, with the place that it stands for."""
    for number, rule in enumerate(policy.rules):
        for group, texts in ((-1, rule.unless), *enumerate(rule.when)):
            for text in policy.terms(texts):
                for term in spellings(text):
                    yield (number, group), term
                    if len(term) > 1 and (joined := in_one_word(term)) is not None:
                        yield (number, group), joined


def _hit(rule: Rule, number: int, found: Mapping[Place, Sequence[Span]], tokens: Sequence[str]) -> Hit | None:
    """Return what a rule found, or None if it does not hold."""
    reach = _reach(found.get((number, -1), ()), len(tokens))
    groups = [
        [span for span in found.get((number, group), ()) if span.end > reach[span.start]]
        for group in range(len(rule.when))
    ]
    chosen = _together(groups, rule.within)
    if chosen is None:
        return None
    return Hit(
        rule=rule.id,
        action=rule.action,
        about=rule.about,
        words=tuple(" ".join(dict.fromkeys(tokens[span.start : span.end])) for span in chosen),
        how=tuple(span.how for span in chosen),
    )


def _reach(excepted: Sequence[Span], num_tokens: int) -> list[int]:
    """Return how far the excepted phrases that begin at a token or before reach: what ends there lies within one."""
    reach = [0] * num_tokens
    for span in excepted:
        reach[span.start] = max(reach[span.start], span.end)
    return list(itertools.accumulate(reach, max))


def _together(groups: Sequence[Sequence[Span]], within: int | None) -> list[Span] | None:
    """Return a span of each group, all beginning within so many tokens; None if there is no such choice."""
    if not all(groups):
        return None
    if within is None or len(groups) == 1:
        return [min(group) for group in groups]
    last: dict[int, Span] = {}
    for span, group in sorted((span, number) for number, spans in enumerate(groups) for span in spans):
        last[group] = span
        if len(last) == len(groups) and span.start - min(one.start for one in last.values()) < within:
            return [last[number] for number in range(len(groups))]
    return None
