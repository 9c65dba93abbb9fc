from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from tokenizers import Tokenizer

from underpaint.core.errors import ArtifactError
from underpaint.models.tokenizer_file import TokenizerFile

SHIPPED = ("stickers-64/text_tokenizer/tokenizer.json", "evaluator-64/tokenizer.json")
TOKEN = {
    "id": 0,
    "content": "[PAD]",
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
    "special": True,
}


def values() -> dict[str, Any]:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"[PAD]": 0, "[UNK]": 1, "cat": 2, "##s": 3, '"': 4, "\\": 5, "é": 6, "\u2028": 7, "\x01": 8},
        },
    }


def read(content: object) -> TokenizerFile:
    return TokenizerFile.from_json(json.dumps(content), source="here/tokenizer.json")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_files_are_written_back_to_the_byte(name: str) -> None:
    stored = (resources.files("underpaint") / "weights" / name).read_bytes()
    assert TokenizerFile.from_json(stored.decode(), source=name).to_json().encode() == stored


def test_a_file_is_written_as_the_library_writes_it() -> None:
    shuffled = values()
    shuffled["model"]["vocab"] = dict(reversed(shuffled["model"]["vocab"].items()))
    for content in (values(), values() | {"decoder": None}, shuffled, dict(reversed(values().items()))):
        library = Tokenizer.from_str(json.dumps(content))
        assert read(content).to_json() == library.to_str(pretty=True) + "\n"


def test_truncation_and_padding_are_switched_off() -> None:
    library = Tokenizer.from_str(json.dumps(values()))
    library.enable_truncation(2)
    library.enable_padding(length=128)
    assert read(json.loads(library.to_str())) == read(values())


def test_a_vocabulary_wrong_throughout_is_still_a_short_error() -> None:
    wrong = values()
    wrong["model"]["vocab"] = {f"piece{i}": str(i) for i in range(2000)}
    with pytest.raises(ArtifactError, match="valid integer") as error:
        read(wrong)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("part", ["version", "normalizer", "pre_tokenizer", "model"])
def test_a_part_that_decides_over_ids_may_not_be_missing(part: str) -> None:
    content = values()
    del content[part]
    with pytest.raises(ArtifactError, match=rf"here/tokenizer\.json is damaged.*{part}: is missing"):
        read(content)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("version", "2.0"),
        ("added_tokens", [TOKEN]),
        ("added_tokens", [TOKEN | {"lstrip": True}]),
        ("normalizer", None),
        ("normalizer", {"type": "NFKC"}),
        ("normalizer", {"type": "Sequence", "normalizers": []}),
        ("normalizer", values()["normalizer"] | {"lowercase": 1}),
        ("normalizer", values()["normalizer"] | {"strip_accents": "no"}),
        ("normalizer", values()["normalizer"] | {"nfkc": True}),
        ("pre_tokenizer", None),
        ("pre_tokenizer", {"type": "Whitespace"}),
        ("pre_tokenizer", {"type": "BertPreTokenizer", "add_prefix_space": True}),
        ("post_processor", {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}),
        ("model", values()["model"] | {"type": "BPE"}),
        ("model", values()["model"] | {"unk_token": "[PAD]"}),
        ("model", values()["model"] | {"vocab": []}),
        ("dropout", 0.1),
    ],
)
def test_what_is_unknown_here_is_refused_with_its_place(part: str, value: object) -> None:
    with pytest.raises(ArtifactError, match=rf"here/tokenizer\.json is damaged.*{part}.*make or download"):
        read(values() | {part: value})
