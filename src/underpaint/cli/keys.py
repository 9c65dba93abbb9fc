"""``underpaint keys``: make, list and revoke the keys of a server's callers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output

if TYPE_CHECKING:
    from underpaint.stages.serve.security.key_file import KeyFile
    from underpaint.stages.serve.security.keys import KeyLimits, KeyRecord

EXAMPLES = """examples:
  underpaint keys create ann --role operator
  underpaint keys create shop --rate 120 --pictures 60 --quota 5000
  underpaint keys list
  underpaint keys revoke shop

A key is shown once and kept as a hash. A running server sees new and revoked keys within a second.
"""
LIMITS = {"requests_per_minute": "rate", "pictures_per_minute": "pictures", "pictures_per_day": "quota"}
"""Limits of a key, and the options that set them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a key", description="Make a key, and show it once.")
    create.add_argument("name", metavar="NAME", help="whose it is: letters, digits and . _ @ -")
    create.add_argument(
        "--role", choices=("user", "operator"), default="user", help="what it may do: own jobs (default), or everything"
    )
    create.add_argument("--rate", type=float, metavar="N", help="requests a minute (default: as the server says)")
    create.add_argument("--pictures", type=float, metavar="N", help="pictures a minute (default: as the server says)")
    create.add_argument("--quota", type=int, metavar="N", help="pictures a day (default: as the server says)")
    listing = actions.add_parser("list", help="list all keys", description="List all keys, the revoked ones too.")
    revoke = actions.add_parser("revoke", help="end a key", description="Let a key open nothing any more.")
    revoke.add_argument("name", metavar="NAME", help="its name or its id")
    for action in (create, listing, revoke):
        action.add_argument(
            "--keys", metavar="FILE", help="the file of keys (default: serve.json in the user's folder of keys)"
        )


def run(args: argparse.Namespace, output: Output) -> int:
    """Do what was asked with the file of keys."""
    from pathlib import Path

    from underpaint.stages.serve.security.key_file import KeyFile, default_key_file

    ACTIONS[args.action](args, output, KeyFile(Path(args.keys) if args.keys else default_key_file()))
    return 0


def _create(args: argparse.Namespace, output: Output, file: KeyFile) -> None:
    import time

    record, text = file.create(args.name, role=args.role, limits=_limits(args), now=time.time())
    output.note(f"this key is shown once; serve with: underpaint serve --keys {file.path}")
    output.result(text, {"key": text, "file": file.path, **_as_data(record)})


def _limits(args: argparse.Namespace) -> KeyLimits:
    """Return the limits that were typed.

    Raises:
        InputError: Some cannot be used; each is named by its option.
    """
    from pydantic import ValidationError

    from underpaint.core.config import in_words
    from underpaint.core.errors import InputError
    from underpaint.stages.serve.security.keys import KeyLimits

    try:
        return KeyLimits.model_validate({name: getattr(args, option) for name, option in LIMITS.items()})
    except ValidationError as error:
        told = [
            f"--{LIMITS[str(one['loc'][0])]} {in_words(one['type'], one['msg'])}, got {one['input']:g}"
            for one in error.errors()
        ]
        raise InputError(f"{'; '.join(told)}; without the option it is as the server says") from None


def _list(_args: argparse.Namespace, output: Output, file: KeyFile) -> None:
    records = file.read()
    rows = [("name", "id", "role", "requests/min", "pictures/min", "pictures/day", "since")]
    rows += [_row(record) for record in records]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    text = "\n".join(lines) if records else f"{file.path} holds no keys; make one with: underpaint keys create NAME"
    output.result(text, {"file": file.path, "keys": [_as_data(record) for record in records]})


def _revoke(args: argparse.Namespace, output: Output, file: KeyFile) -> None:
    import time

    record = file.revoke(args.name, now=time.time())
    output.result(f"{record.name} ({record.id}) opens nothing any more", {"file": file.path, **_as_data(record)})


ACTIONS: dict[str, Callable[[argparse.Namespace, Output, KeyFile], None]] = {
    "create": _create,
    "list": _list,
    "revoke": _revoke,
}


def _as_data(record: KeyRecord) -> dict[str, Any]:
    """Return what may be shown of a key."""
    return record.model_dump(mode="json", exclude={"sha256"})


def _row(record: KeyRecord) -> tuple[str, ...]:
    limits = record.limits
    numbers = (limits.requests_per_minute, limits.pictures_per_minute, limits.pictures_per_day)
    since = _day(record.created_at) if record.revoked_at is None else f"revoked {_day(record.revoked_at)}"
    return record.name, record.id, record.role, *("-" if n is None else f"{n:,g}" for n in numbers), since


def _day(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
