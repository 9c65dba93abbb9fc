"""The options that say whose key signs pictures, and the signing itself, which never costs anybody a picture."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from underpaint.core.errors import InputError, MissingDependency, UnderpaintError
from underpaint.core.mistakes import Mistakes

if TYPE_CHECKING:
    from underpaint.pipelines.settings import Settings
    from underpaint.pipelines.signer import Chosen, SigningConfig


def add_signing_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--sign-key``, ``--sign-cert`` and ``--no-sign``."""
    group = parser.add_argument_group("who signs it")
    group.add_argument(
        "--sign-key",
        metavar="FILE",
        help="private key, PEM, for a C2PA content credential (default: one made here, which shows the same computer)",
    )
    group.add_argument("--sign-cert", metavar="FILE", help="certificates of that key, PEM, the key's own first")
    group.add_argument("--no-sign", action="store_true", help="sign nothing")


def check_signing(args: argparse.Namespace, found: Mistakes) -> None:
    """Take down options that contradict each other."""
    named = [name for name, value in (("--sign-key", args.sign_key), ("--sign-cert", args.sign_cert)) if value]
    if len(named) == 1:
        found.add(InputError(f"--sign-key and --sign-cert go together, got {named[0]} alone; give both or none"))
    if named and args.no_sign:
        found.add(InputError(f"{named[0]} means nothing with --no-sign; leave one of them out"))


def signing_for(args: argparse.Namespace, note: Callable[[str], None]) -> Signing | None:
    """Return what signs pictures, or None if nothing shall.

    Args:
        args: The parsed arguments, checked.
        note: Tells the user something beside the result.

    Raises:
        MissingDependency: Key and certificate are given, and the extra that signs is not installed.
        StorageError: Others may read the key.
        InputError: The files that were given cannot be read, or cannot sign.
    """
    if args.no_sign:
        return None
    if not args.sign_key:
        return Signing(None, note)
    from pathlib import Path

    from underpaint.adapters.c2pa_library import library
    from underpaint.pipelines.signer import named

    library()
    return Signing(named(Path(args.sign_key), Path(args.sign_cert), datetime.now(UTC)), note)


class Signing:
    """Signs pictures as long as that works; says once why it does not, and hands them back unsigned.

    Where nobody asked for a signature, a missing extra is no failure and nothing is said.

    Args:
        chosen: Who signs; None for whom the settings name, or the key that is made here.
        note: Tells the user something beside the result.
    """

    def __init__(self, chosen: Chosen | None, note: Callable[[str], None]) -> None:
        self._chosen, self._note = chosen, note
        self._config: SigningConfig | None = None
        self._signed = 0
        self._reason: str | None = None

    def __call__(self, data: bytes, settings: Settings) -> bytes:
        """Return the bytes of a picture's file, signed if that can be."""
        try:
            if self._reason is None:
                signed = self._sign(data, settings)
                self._signed += signed is not data
                return signed
        except MissingDependency as error:
            self._reason = str(error)
            if self._config is not None and self._config.key:
                self._tell()
        except UnderpaintError as error:
            self._give_up(str(error))
        except Exception as error:  # whatever a foreign library may raise, the picture is kept
            self._give_up(f"{type(error).__name__}: {error}")
        return data

    def as_data(self) -> dict[str, Any]:
        """Return who has signed how many pictures, and why not all, for machines."""
        chosen = self._chosen
        return {
            "signed": self._signed,
            "key": None if chosen is None else chosen.place,
            "self_made": None if chosen is None else chosen.local,
            "reason": self._reason,
        }

    def _sign(self, data: bytes, settings: Settings) -> bytes:
        from underpaint.pipelines.credentials import sign_picture
        from underpaint.pipelines.signer import read_config

        now = datetime.now(UTC)
        self._config = self._config or read_config()
        if self._chosen is None and not self._config.sign:
            self._reason = "the settings say so"
            return data
        if self._chosen is None:
            self._chosen = self._choose(self._config, now)
        return sign_picture(data, settings, signer=self._chosen.signer, mining=self._config.mining, when=now)

    def _choose(self, config: SigningConfig, now: datetime) -> Chosen:
        """Return who signs; if the key is new, say what it is worth."""
        from underpaint.adapters.c2pa_library import library
        from underpaint.pipelines.signer import configured

        library()  # before a key is made that nothing could use
        chosen = configured(config, now)
        if chosen.made:
            self._note(
                f"note: pictures are signed from now on with a key that was just made here, {chosen.place}; it shows "
                "the same computer, not who uses it; --no-sign leaves it out"
            )
        return chosen

    def _give_up(self, reason: str) -> None:
        self._reason = reason
        self._tell()

    def _tell(self) -> None:
        self._note(f"note: not signed: {self._reason}; the picture is kept, and --no-sign asks for no signature")
