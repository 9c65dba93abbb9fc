"""Variety: how many different pictures there are, across prompts and within one prompt."""

from __future__ import annotations

from underpaint.metrics.diversity import pairwise_distance_within_prompt, vendi, vendi_within_prompt
from underpaint.stages.evaluate.drawing.wishes import MAIN, VARIED
from underpaint.stages.evaluate.scores.ledger import Score, attempt
from underpaint.stages.evaluate.seeing.view import RealView, View


def variety_scores(view: View, reference: RealView) -> list[Score]:
    """Return the Vendi score across prompts, beside that of as many real pictures, and the variety within prompts.

    Args:
        view: All drawn pictures.
        reference: Real ones.
    """
    main, varied = view.part(MAIN), view.part(VARIED)
    n = min(len(main.features), len(reference.features))
    real = attempt("vendi_q1", lambda: vendi(reference.features[:n]), images=())
    ceiling = real.estimate.value if real.estimate else None
    scores = [
        attempt(
            "vendi_q1",
            lambda: vendi(main.features[:n], clusters=main.clusters[:n]),
            images=main.images[:n],
            extractor=view.extractor,
            ceiling=ceiling,
        )
    ]
    if len(varied.features):
        prompts = [wish.prompt_id for wish in varied.wishes]
        within = {
            "vendi_within_prompt": lambda: vendi_within_prompt(varied.features, prompts),
            "pairwise_distance_within_prompt": lambda: pairwise_distance_within_prompt(varied.features, prompts),
        }
        for name, compute in within.items():
            scores.append(attempt(name, compute, images=varied.images, extractor=view.extractor))
    return scores
