"""A policy for prompts: rules that block, flag or log, made of words and phrases, and nothing that edits a prompt.

A policy is strict: what it does not know, it refuses, since a rule with a typing mistake would silently never hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from underpaint.core.absent import nearest_name
from underpaint.core.config import Config, cut, parse_json, problems_of, shown
from underpaint.core.errors import PolicyError, PromptError
from underpaint.stages.serve.security.terms import spellings

SCHEMA = "underpaint.prompt-policy/1"
FILE_CAP = 4 * 2**20
"""Longest policy, in bytes."""
Action = Literal["block", "flag", "log"]
SEVERITY: Mapping[str, int] = {"block": 3, "flag": 2, "log": 1, "allow": 0}


def _a_term(text: str) -> str:
    if not text.startswith("@"):
        try:
            list(spellings(text))
        except PromptError as error:
            raise ValueError(str(error)) from None
    return text


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
TermText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_a_term)]
Terms = Annotated[tuple[TermText, ...], Field(min_length=1, max_length=5000)]


class Rule(Config):
    """When something is done.

    Args:
        id: Its name, in every decision that it makes.
        action: ``block`` refuses, ``flag`` draws and says so to the operator, ``log`` counts.
        about: What it is about, for whoever is refused.
        when: Groups of terms, of each of which one must be there; ``@name`` stands for a list.
        within: All of them begin within so many words; null for anywhere in the prompt.
        unless: Phrases whose words do not count.
    """

    id: Name
    action: Action
    about: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    when: Annotated[tuple[Terms, ...], Field(min_length=1, max_length=5)]
    within: Annotated[int, Field(ge=1, le=1000)] | None = None
    unless: tuple[TermText, ...] = ()


class PromptPolicy(Config):
    """A policy.

    Args:
        schema_id: Name and version of this format; ``schema`` in a file.
        name: Of the policy.
        version: Counted up with every change.
        languages: Languages whose terms count; null for all.
        lists: Name to language to terms, for several rules to use.
        rules: The rules; of those that hold, the severest decides, and of equals the first.
    """

    schema_id: Literal["underpaint.prompt-policy/1"] = Field(alias="schema")
    name: Name
    version: Annotated[int, Field(ge=1)]
    languages: tuple[Language, ...] | None = None
    lists: Mapping[Name, Mapping[Language, Terms]] = {}
    rules: Annotated[tuple[Rule, ...], Field(max_length=1000)]

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Self:
        wrong = [*self._twice(), *self._nowhere(), *self._nested()]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _twice(self) -> list[str]:
        counted = Counter(rule.id for rule in self.rules)
        return [f"the rule {name!r} stands twice" for name, count in counted.items() if count > 1]

    def _nowhere(self) -> list[str]:
        there = f"there are {', '.join(sorted(self.lists))}" if self.lists else "there are none"
        return [
            f"rule {rule.id!r}: there is no list {term!r:.60}; {there}"
            for rule in self.rules
            for term in (*(term for group in rule.when for term in group), *rule.unless)
            if term.startswith("@") and term[1:] not in self.lists
        ]

    def _nested(self) -> list[str]:
        return [
            f"the list {name!r} cannot hold another list; name both in the rule"
            for name, table in self.lists.items()
            if any(term.startswith("@") for terms in table.values() for term in terms)
        ]

    def terms(self, group: tuple[str, ...]) -> Iterator[str]:
        """Yield the terms of a group, those of its lists in the languages that count."""
        for term in group:
            if not term.startswith("@"):
                yield term
                continue
            for language, terms in self.lists[term[1:]].items():
                if self.languages is None or language in self.languages:
                    yield from terms

    @property
    def title(self) -> str:
        """Name, version and the beginning of the digest, for logs."""
        return f"{self.name}/{self.version}@{self.digest()[:8]}"


def parse_prompt_policy(values: Any, *, source: str) -> PromptPolicy:
    """Check a policy that came from outside.

    Args:
        values: What the file holds.
        source: The file; named in errors.

    Raises:
        PolicyError: A key is unknown or missing, a term is not written as it must be, or a list is not there.
    """
    if not isinstance(values, dict):
        raise PolicyError(f"{source}: a policy is a mapping that begins with 'schema: {SCHEMA}', got {shown(values)}")
    try:
        return PromptPolicy.model_validate(values)
    except ValidationError as error:
        raise PolicyError(f"{source}: {cut(problems_of(error), 2000)}") from None


def read_prompt_policy(path: Path) -> PromptPolicy:
    """Read a policy from a ``.json``, ``.yaml`` or ``.yml`` file.

    Args:
        path: The file.

    Raises:
        PolicyError: The file cannot be read, or holds no such policy.
        MissingDependency: It is YAML, and PyYAML is not installed.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_CAP + 1)
    except FileNotFoundError:
        close = nearest_name(path)
        hint = f"did you mean {close}?" if close else "check the path"
        raise PolicyError(f"{path} does not exist; {hint}") from None
    except OSError as error:
        raise PolicyError(f"{path} cannot be read ({error.strerror}); check the path") from None
    if len(data) > FILE_CAP:
        raise PolicyError(f"{path} is longer than the {FILE_CAP:,} bytes allowed; leave something out")
    try:
        values = _parse(data.decode("utf-8"), path)
    except ValueError as error:
        raise PolicyError(f"{path}: {error}; write JSON or YAML in UTF-8") from None
    return parse_prompt_policy(values, source=str(path))


def _parse(text: str, path: Path) -> Any:
    if path.suffix.lower() in (".yaml", ".yml"):
        from underpaint.adapters.yaml import parse_yaml

        return parse_yaml(text, extra="serve")
    return parse_json(text)


def default_text() -> str:
    """Return the policy that is in the package, as it is written."""
    return (resources.files("underpaint.stages.serve.security") / "default_policy.json").read_text(encoding="utf-8")


def default_policy() -> PromptPolicy:
    """Return the policy that is in the package."""
    return parse_prompt_policy(parse_json(default_text()), source="the default policy")
