"""Combinations: one template and lists of words become prompts, every word of one list with every word of the others.

    {"template": "{color} {thing}", "color": ["red", "blue"], "thing": ["apple", "cup"], "style": "flat", "n": 2}

gives four prompts. ``style``, ``seed`` and ``n`` are those of a file of prompts and may be left out.
"""

from __future__ import annotations

import itertools
import math
import string
from pathlib import Path
from typing import Any

from underpaint.core.config import parse_json
from underpaint.core.errors import InputError
from underpaint.pipelines.prompts import FILE_CAP, ROW_CAP, PromptRow, read_prompts

SUFFIX = ".json"
TEMPLATE = "template"
SHARED = ("style", "seed", "n")


def read_wishes(path: Path) -> list[PromptRow]:
    """Read a file of prompts, or of a template with lists of words if its name ends in ``.json``.

    Args:
        path: The file; see ``pipelines.prompts`` for the other formats.

    Raises:
        InputError: It cannot be read, or holds mistakes; the message names them.
    """
    if path.suffix.lower() != SUFFIX:
        return read_prompts(path)
    try:
        if path.stat().st_size > FILE_CAP:
            raise InputError(f"{path} has more than {FILE_CAP:,} bytes; split it into several files")
        values = parse_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from None
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}); mend it, or give one prompt a line in a .txt file") from None
    return combine(values, str(path))


def combine(values: Any, source: str) -> list[PromptRow]:
    """Fill a template with every combination of words; the last list of the template turns fastest.

    Args:
        values: The template, its lists of words, and what all prompts share.
        source: Where they came from; named in the error.

    Raises:
        InputError: There is no template, a list is missing, unused or empty, or there are too many combinations.
    """
    if not isinstance(values, dict) or not isinstance(values.get(TEMPLATE), str):
        raise InputError(f'{source}: there is no template; write {{"template": "{{color}} cup", "color": ["red"]}}')
    template = values[TEMPLATE]
    names = names_of(template, source)
    words = {name: words_of(values, name, source) for name in names}
    unused = sorted(values.keys() - {TEMPLATE, *SHARED, *names})
    if unused:
        raise InputError(
            f"{source}: the template does not use {', '.join(unused)}; allowed besides: {', '.join(SHARED)}"
        )
    count = math.prod(len(some) for some in words.values())
    if count > ROW_CAP:
        raise InputError(f"{source}: {count:,} combinations, at most {ROW_CAP:,} are allowed; shorten the lists")
    shared = {name: values[name] for name in SHARED if name in values}
    return [
        PromptRow.parse(
            {"prompt": template.format(**dict(zip(names, some, strict=True))), **shared, "source": source},
            source=source,
        )
        for some in itertools.product(*words.values())
    ]


def names_of(template: str, source: str) -> list[str]:
    """Return the names in braces, in order, each once.

    Raises:
        InputError: The braces do not fit together, or hold something else than a name.
    """
    try:
        parts = [field for _, field, spec, how in string.Formatter().parse(template) if field is not None]
        plain = all(spec in (None, "") and how is None for _, _, spec, how in string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(f"{source}: the template {template!r:.80} cannot be read ({error})") from None
    if not plain or not all(name.isidentifier() and name not in (TEMPLATE, *SHARED) for name in parts):
        raise InputError(f"{source}: braces of the template {template!r:.80} hold plain names only, such as {{color}}")
    return list(dict.fromkeys(parts))


def words_of(values: dict[str, Any], name: str, source: str) -> list[str]:
    """Return one list of words.

    Raises:
        InputError: It is missing, empty, or holds something else than words.
    """
    words = values.get(name)
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise InputError(f"{source}: {name!r} is {words!r:.60}; give a list of words for {{{name}}}")
    return words
