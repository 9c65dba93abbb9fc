"""The papers that go along with every data set: audit, contact sheet, notices, datasheet, and a card that is true."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from underpaint.adapters.mlcroissant import validate
from underpaint.core.artifact import storage_errors
from underpaint.core.config import Config
from underpaint.stages.data.card import AUDIT, write_card
from underpaint.stages.data.card_check import refuse_card
from underpaint.stages.data.contact import draw_contact_sheet
from underpaint.stages.data.datasheet import write_datasheet
from underpaint.stages.data.facts import CardFacts
from underpaint.stages.data.notices import STICKERS, write_notices


def write_audit(audited: Config, folder: Path, lists: Mapping[str, Iterable[Config]] | None = None) -> None:
    """Write ``audit.json``.

    Args:
        audited: The figures of all checks.
        folder: The data set.
        lists: Fields that are empty in ``audited`` to their entries, which are written one by one.
    """
    path = folder / AUDIT
    with storage_errors(path), path.open("w", encoding="utf-8") as file:
        file.writelines(audit_text(audited, lists or {}))


def audit_text(audited: Config, lists: Mapping[str, Iterable[Config]]) -> Iterator[str]:
    """Yield the text of ``audit.json`` piece by piece; see ``write_audit``."""
    rest = json.dumps(audited.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    for name in sorted(lists, key=lambda name: rest.index(f'\n "{name}": []')):
        before, rest = rest.split(f'\n "{name}": []')
        yield f'{before}\n "{name}": ['
        end = ""
        for entry in lists[name]:
            text = json.dumps(entry.model_dump(mode="json"), indent=1, ensure_ascii=False)
            yield f"{',' * bool(end)}\n  " + text.replace("\n", "\n  ")
            end = "\n "
        yield f"{end}]"
    yield rest


def write_papers(
    facts: CardFacts,
    rai: Mapping[str, object],
    contents: str,
    folder: Path,
    *,
    beginning: Sequence[str] = STICKERS,
    fields: Mapping[str, object] | None = None,
    files: Sequence[Mapping[str, object]] = (),
    lists: Mapping[str, Iterable[Config]] | None = None,
) -> None:
    """Write everything that goes along with the samples and pictures in a folder, and check the card.

    Args:
        facts: What is known of the data set.
        rai: The responsible-AI fields, with the prefix ``rai:``.
        contents: What is in the data set, for its datasheet.
        folder: The data set; its samples, its pictures and ``files`` are written.
        beginning: The first lines of the notice.
        fields: Fields of the card beyond, or in place of, those of every data set.
        files: Descriptions for the card of more files than every data set has.
        lists: Fields of the audit whose entries are written one by one.

    Raises:
        DataError: The card is not true in every point.
        LicenseRefused: The text of a license that must go along is not at hand.
        StorageError: A file cannot be written.
    """
    write_audit(facts.audit, folder, lists)
    draw_contact_sheet(facts.shown, len(facts.tally.by_style), folder)
    write_notices(facts.sources, facts.duties, facts.by_source, folder, beginning=beginning)
    write_datasheet(facts, rai, contents, folder)
    card = write_card(facts, rai, folder, fields=fields, files=files)
    refuse_card(folder)
    validate(card)
