"""Signing pictures before they leave, where the server is set to: a picture that cannot be signed does not leave."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from underpaint.core.errors import SetupError, UnderpaintError
from underpaint.pipelines.settings import Settings

if TYPE_CHECKING:
    from underpaint.pipelines.signer import Chosen, SigningConfig


class Seal:
    """Signs with the key that the user's settings name, or with one that is made here once.

    Args:
        chosen: Who signs.
        config: The user's settings of signing.
    """

    def __init__(self, chosen: Chosen, config: SigningConfig) -> None:
        self._chosen, self._config = chosen, config

    def __call__(self, data: bytes, settings: Settings) -> bytes:
        """Return the file of a picture with a signed credential.

        Raises:
            SetupError: It cannot be signed now.
        """
        from underpaint.pipelines.credentials import sign_picture

        now = datetime.now(UTC)
        try:
            return sign_picture(data, settings, signer=self._chosen.signer, mining=self._config.mining, when=now)
        except UnderpaintError as error:
            raise SetupError(f"pictures cannot be signed ({error}); mend the key, or serve without signing") from None


def open_seal() -> Seal:
    """Return what signs.

    Raises:
        MissingDependency: The extra that signs is not installed.
        StorageError: A key cannot be written, or others may read it.
        InputError: The settings or the key cannot be used.
    """
    from underpaint.adapters.c2pa_library import library
    from underpaint.pipelines.signer import configured, read_config

    library()  # before a key is made that nothing could use
    config = read_config()
    return Seal(configured(config, datetime.now(UTC)), config)
