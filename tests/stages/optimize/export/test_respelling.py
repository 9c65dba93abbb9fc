"""Operations in other words give the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from underpaint.runtime.draws import randn
from underpaint.stages.optimize.export.respelling import RESPELLED, Respelling

X = randn((2, 1, 3, 1), torch.Generator().manual_seed(0), torch.device("cpu"))
WEIGHT = torch.tensor([0.5, 2.0, -1.0])

CASES: dict[str, Callable[[], Tensor]] = {
    "squeeze all": lambda: X.squeeze(),
    "squeeze one": lambda: X.squeeze(1),
    "squeeze the last": lambda: torch.squeeze(X, -1),
    "squeeze what is wider": lambda: X.squeeze(2),
    "permute": lambda: X.permute(0, -1, 1, 2),
    "permute a list": lambda: torch.permute(X, (3, -2, 0, 1)),
    "move an axis to the end": lambda: X.movedim(1, -1),
    "move the last axis": lambda: torch.movedim(X, -1, 1),
    "rms norm": lambda: functional.rms_norm(X.reshape(2, 3), (3,), WEIGHT, 1e-6),
    "rms norm without weights": lambda: torch.rms_norm(X.reshape(2, 3), (3,)),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_same_in_other_words(name: str):
    due = CASES[name]()
    with Respelling():
        found = CASES[name]()
    assert found.shape == due.shape and torch.allclose(found, due, rtol=0, atol=1e-6)


def test_the_cases_reach_every_line_of_the_table(monkeypatch: pytest.MonkeyPatch):
    reached: set[object] = set()
    for operation, stand_in in list(RESPELLED.items()):

        def noted(*args: object, _op: object = operation, _do: Callable[..., Tensor] = stand_in, **kwargs: object):
            reached.add(_op)
            return _do(*args, **kwargs)

        monkeypatch.setitem(RESPELLED, operation, noted)
    with Respelling():
        for case in CASES.values():
            case()
    assert reached == set(RESPELLED)
