"""The file ``tokenizer.json``, in the format of the ``tokenizers`` library, as far as it asks for BERT's WordPiece.

Whatever else such a file can ask for changes the ids of some text, so it is refused instead of being passed over. Only
what the ids do not depend on is let through: truncation and padding, which are switched off, and the decoder, which is
kept as it is.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator

from underpaint.core.config import Config, problems_of
from underpaint.core.errors import ArtifactError
from underpaint.models.bert_words import BertNormalizer, BertPreTokenizer
from underpaint.models.wordpiece import WordPieceModel


class TokenizerFile(Config):
    """What a tokenizer's file says; the order of the fields is that of the file.

    Args:
        version: The only version of the format known here.
        truncation: None; published files cut texts, ours leave that to the caller.
        padding: None; likewise.
        added_tokens: None at all: an added token would be found in a text before it is split.
        normalizer: How a text is folded.
        pre_tokenizer: How it is split.
        post_processor: None; special tokens are no part of our texts.
        decoder: How ids become text again, which is never asked for.
        model: The vocabulary.
    """

    version: Literal["1.0"]
    truncation: None = None
    padding: None = None
    added_tokens: Annotated[tuple[Any, ...], Field(max_length=0)] = ()
    normalizer: BertNormalizer
    pre_tokenizer: BertPreTokenizer
    post_processor: None = None
    decoder: dict[str, Any] | None = None
    model: WordPieceModel

    @field_validator("truncation", "padding", mode="before")
    @classmethod
    def _switched_off(cls, value: Any) -> None:
        """Pass over what the published file of MiniLM asks for: every text padded to 128 tokens."""

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Self:
        """Read a file's text.

        Args:
            text: JSON.
            source: Where it came from; named in the error.

        Raises:
            ArtifactError: It is no JSON, lacks something, or asks for something that is unknown here.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ArtifactError(
                f"{source} is damaged, or asks for more than BERT's WordPiece ({problems_of(error):.500}); "
                "make or download the model again"
            ) from None

    def to_json(self) -> str:
        """Return the text of the file, as the ``tokenizers`` library would write it; equal files give equal texts."""
        return self.model_dump_json(indent=2) + "\n"
