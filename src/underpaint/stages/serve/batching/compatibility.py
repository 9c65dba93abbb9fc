"""Which requests can be drawn in one batch: those of one model, kind and size that share the numbers of the sampler.

Prompt, style and seed are of each picture; strength of guidance, temperature and steps are of the whole batch
(``DrawRequest.numbers``).
"""

from __future__ import annotations

from underpaint.core.config import canonical_json
from underpaint.pipelines.settings import Settings


def batch_key(settings: Settings, *, kind: str = "generation") -> str:
    """Return a key that two requests share exactly if they can be drawn together.

    Args:
        settings: What is asked for, with the digest of the model that draws it.
        kind: What is done: pictures are not drawn together with edits.
    """
    return canonical_json([kind, settings.model_sha256, settings.size, *settings.request.numbers])
