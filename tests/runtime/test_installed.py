from __future__ import annotations

import numpy as np
import pytest
import torch

from underpaint.runtime.installed import TORCH_CUDA, torch_cuda, version_of


def test_versions_are_those_of_the_modules():
    assert version_of("no-such-package", "numpy") == np.__version__
    assert version_of("no-such-package") is None


def test_what_torch_was_built_for_is_read_without_importing_it():
    assert torch_cuda() == torch.version.cuda


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", "13.0"),
        ("cuda = '12.6'\n", "12.6"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n", None),
    ],
)
def test_both_ways_of_writing_it_are_understood(text, version):
    found = TORCH_CUDA.search(text)
    assert (found["version"] if found else None) == version
