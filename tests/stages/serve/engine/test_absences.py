"""Laws of models that cannot be loaded."""

from __future__ import annotations

from underpaint.stages.serve.engine.absences import FIRST_WAIT_S, LONGEST_WAIT_S, Absences


def test_an_absent_model_is_tried_ever_less_often_until_it_is_loaded():
    now = [0.0]
    absences = Absences(lambda: now[0])
    assert absences.is_due("m") and not absences.is_absent("m")
    waits = []
    for _ in range(8):
        absences.begin("m")
        began = now[0]
        while not absences.is_due("m"):
            now[0] += 0.5
        waits.append(now[0] - began)
    assert waits == [min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**number) for number in range(8)]
    assert absences.is_absent("m") and not absences.is_absent("other")
    absences.end("m")
    assert absences.is_due("m") and not absences.is_absent("m")
    absences.begin("m")
    now[0] += FIRST_WAIT_S
    assert absences.is_due("m")
