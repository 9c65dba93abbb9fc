"""Reading a small text file that a person wrote, such as a policy or a list of prices, with words that help if not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from underpaint.core.absent import nearest_name
from underpaint.core.errors import InputError

MAX_BYTES = 1_000_000
"""No such file is larger; what is was named by mistake."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A kind of file.

    Args:
        kind: What it is called in messages, as ``policy``.
        example: Where one lies to begin with.
        error: What is raised.
    """

    kind: str
    example: str
    error: type[InputError] = InputError

    def read(self, path: Path) -> str:
        """Read a file of this kind.

        Raises:
            InputError: Of the class ``error``: it is not there, too large, no UTF-8, or cannot be read.
        """
        try:
            if path.stat().st_size > MAX_BYTES:
                raise self.error(
                    f"{path} has {path.stat().st_size} bytes; a {self.kind} has at most {MAX_BYTES}: name another file"
                )
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            close = nearest_name(path)
            meant = f"did you mean {close}? " if close else ""
            raise self.error(f"there is no {self.kind} {path}; {meant}{self.example} is one to begin with") from None
        except UnicodeDecodeError as error:
            raise self.error(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
        except OSError as error:
            raise self.error(f"{path} cannot be read ({error.strerror}); name a {self.kind}") from None
