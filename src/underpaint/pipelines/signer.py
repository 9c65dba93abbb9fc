"""Whose key signs pictures: one that the user names, one that the settings name, or one that is made here once.

A key that is made here proves that two pictures come from the same computer, and nothing about who sits in front of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import model_validator

from underpaint.adapters import certificates
from underpaint.adapters.c2pa import Signer
from underpaint.core.config import Config, parse_json
from underpaint.core.errors import InputError, SigningError
from underpaint.core.keys_folder import keys_folder, read_capped, read_private, write_private
from underpaint.runtime.claim import Use

SETTINGS = "signing.json"
"""File of settings in the folder of keys."""
LOCAL = "signing.pem"
"""The key that is made here, with its certificate and its root."""
ROOT = "signing-root.pem"
"""The root alone, for others to trust."""
LOCAL_ALGORITHM = "ed25519"
SAME_COMPUTER = "the key was made here by underpaint, so a signature shows the same computer, not who uses it"
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


class SigningConfig(Config):
    """How pictures are signed, unless the command says otherwise.

    Args:
        sign: Whether they are signed at all.
        key: File of the private key; relative to the settings' folder; None for the one that is made here.
        certificate: File of its certificates; needed with ``key``, and only then.
        mining: Whether a signed picture says that others may mine it, and train on it.
    """

    sign: bool = True
    key: str | None = None
    certificate: str | None = None
    mining: Use = "notAllowed"

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Self:
        if (self.key is None) != (self.certificate is None):
            raise ValueError("key and certificate go together; give both or none")
        return self


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Who signs, and what is to be told about it.

    Args:
        signer: Key and certificates.
        place: The file of the key.
        local: Whether underpaint made the key.
        made: Whether it made it just now.
    """

    signer: Signer
    place: Path
    local: bool
    made: bool = False


def read_config() -> SigningConfig:
    """Return the settings in the folder of keys, or the defaults if there are none.

    Raises:
        InputError: They cannot be read.
    """
    path = keys_folder() / SETTINGS
    if not path.exists():
        return SigningConfig()
    try:
        values = parse_json(read_capped(path).decode("utf-8"))
    except ValueError as error:
        raise InputError(f"{path} holds no settings ({error!s:.80}); correct or remove it") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no settings but a {type(values).__name__}; correct or remove it")
    return SigningConfig.parse(values, source=str(path))


def named(key: Path, certificate: Path, now: datetime) -> Chosen:
    """Return the signer of two files.

    Args:
        key: The private key, PEM; a file that its owner alone may read.
        certificate: Its certificate first, then those between it and the root, PEM.
        now: The present time, in UTC.

    Raises:
        MissingDependency: cryptography is not installed.
        StorageError: Others may read the key.
        InputError: A file cannot be read, or key and certificate cannot sign.
    """
    secret = read_private(key)
    chain = pem_certificates(read_capped(certificate), certificate)
    try:
        algorithm = certificates.algorithm_for(secret, chain, now)
    except SigningError as error:
        raise SigningError(f"{key} and {certificate} cannot sign: {error}") from None
    return Chosen(signer=Signer(algorithm=algorithm, key=secret, chain=chain), place=key, local=False)


def configured(config: SigningConfig, now: datetime) -> Chosen:
    """Return the signer that the settings name, or the one that is made here.

    Args:
        config: The settings.
        now: The present time, in UTC.

    Raises:
        MissingDependency: cryptography is needed and not installed.
        StorageError: A key cannot be written, or others may read it.
        InputError: A file cannot be read, or key and certificate cannot sign.
    """
    if config.key is None or config.certificate is None:
        return local(now)
    folder = keys_folder()
    return named(folder / Path(config.key).expanduser(), folder / Path(config.certificate).expanduser(), now)


def local(now: datetime) -> Chosen:
    """Return the signer that is made here; it is made if there is none yet.

    Args:
        now: The present time, in UTC.

    Raises:
        MissingDependency: It must be made, and cryptography is not installed.
        StorageError: It cannot be written, or others may read it.
        InputError: Its file is not as it was written.
    """
    path = keys_folder() / LOCAL
    made = not path.exists()
    if made:
        chain = certificates.make_chain(now)
        whole = write_private(path, chain.key + chain.leaf + chain.root)
    else:
        whole = read_private(path)
    found = CERTIFICATE.findall(whole)
    if len(found) != 2:
        raise InputError(f"{path} is not as underpaint wrote it; move it away, and the next picture makes a new one")
    leaf, root = found
    if not (keys_folder() / ROOT).exists():
        write_private(keys_folder() / ROOT, root + b"\n")
    signer = Signer(algorithm=LOCAL_ALGORITHM, key=whole[: whole.index(leaf)], chain=leaf + b"\n")
    return Chosen(signer=signer, place=path, local=True, made=made)


def local_root() -> bytes | None:
    """Return the root of the key that is made here, PEM, or None if there is none."""
    path = keys_folder() / ROOT
    return read_capped(path) if path.exists() else None


def pem_certificates(data: bytes, path: Path) -> bytes:
    """Return the certificates in a file, PEM, and nothing else of it.

    Raises:
        InputError: There are none.
    """
    found = CERTIFICATE.findall(data)
    if not found:
        raise InputError(f"{path} holds no certificate; it must begin with -----BEGIN CERTIFICATE-----")
    return b"\n".join(found) + b"\n"
