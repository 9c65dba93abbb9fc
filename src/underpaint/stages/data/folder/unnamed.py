"""Unnamed files: pictures that lie in the input and that no row names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from underpaint.stages.data.folder.audit import PASSED_OVER
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.opening import PICTURES
from underpaint.stages.data.folder.paths import readable_name
from underpaint.stages.data.folder.problems import LeftOut
from underpaint.stages.data.folder.rows import Source


def passed_over_in(source: Source, ledger: Ledger, path: Path) -> list[LeftOut]:
    """List the pictures that lie in the input and that no row names, and why that is.

    Links are followed only if there is a file that no row names by its own path.

    Args:
        source: The input.
        ledger: Holds all rows with a picture.
        path: Where the input lies.
    """
    name_files(ledger, Path.absolute)
    unnamed = [file for file in source.lying() if not ledger.names_file(os.fsencode(file.absolute()))]
    if unnamed:
        name_files(ledger, os.path.realpath)
    lying = (file for file in unnamed if not ledger.names_file(os.fsencode(os.path.realpath(file))))
    return [
        LeftOut(where=readable_name(file.relative_to(path)), rule=rule, detail=PASSED_OVER[rule])
        for file in lying
        for rule in ["NoRow" if file.suffix.lower() in PICTURES else "OtherKind"]
    ]


def name_files(ledger: Ledger, path_of: Callable[[Path], str | Path]) -> None:
    """Take down which files the rows name, by a form of their path."""
    for _, entry in ledger.entries():
        if isinstance(entry.place, Path):
            ledger.name_file(os.fsencode(path_of(entry.place)))
