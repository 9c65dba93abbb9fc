"""Unnamed files: pictures that lie in the input and that no row names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from underpaint.stages.data.folder.audit import PASSED_OVER
from underpaint.stages.data.folder.ledger import Ledger
from underpaint.stages.data.folder.listing import Listing
from underpaint.stages.data.folder.opening import PICTURES
from underpaint.stages.data.folder.paths import readable_name
from underpaint.stages.data.folder.rows import Source

UNNAMED = "passed_over"
"""Name of the list, in the ledger and in ``audit.json``."""


def passed_over_in(source: Source, ledger: Ledger, path: Path) -> Listing:
    """List the pictures that lie in the input and that no row names, and why that is.

    Links are followed only if there is a file that no row names by its own path.

    Args:
        source: The input.
        ledger: Holds all rows with a picture, and the list.
        path: Where the input lies.
    """
    name_files(ledger, Path.absolute)
    listing, has_links = Listing(ledger, UNNAMED), False
    for file in source.lying():
        if ledger.names_file(os.fsencode(file.absolute())):
            continue
        if not has_links:
            name_files(ledger, os.path.realpath)
            has_links = True
        if not ledger.names_file(os.fsencode(os.path.realpath(file))):
            rule = "NoRow" if file.suffix.lower() in PICTURES else "OtherKind"
            listing.add(readable_name(file.relative_to(path)), rule, PASSED_OVER[rule])
    return listing


def name_files(ledger: Ledger, path_of: Callable[[Path], str | Path]) -> None:
    """Take down which files the rows name, by a form of their path."""
    for _, entry in ledger.entries():
        if isinstance(entry.place, Path):
            ledger.name_file(os.fsencode(path_of(entry.place)))
