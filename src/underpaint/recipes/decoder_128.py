"""Recipe for a decoder that paints 128 pixels from the latents of a model for 64."""

from __future__ import annotations

from underpaint.recipes import decoder_64
from underpaint.stages.train.decoder_config import DecoderTraining


def decoder(seed: int = 0) -> DecoderTraining:
    """The shipped model's decoder with one more doubling, which then paints at 128 px.

    ``underpaint train decoder-128 --data artifacts/stickers-128 --out artifacts/decoder-128 --from stickers-64``
    An hour of one CPU core that multiplies bfloat16 faster. Expect 26.1 dB from all of held-out drawings and 21.7 from
    their tokens. The shipped ``stickers-128``: what it draws is as near to drawings as that of 64 px and the
    upscaler, in a third of the time for painting; from tokens alone outlines are a little less exact (docs/log.md).

    Args:
        seed: Seed of the new end, of the discriminator's weights and of the batches.
    """
    base = decoder_64.decoder(seed)
    loop = base.loop.model_copy(update={"steps": 3600, "batch_size": 16, "lr": 6e-4, "precision": "auto"})
    return base.model_copy(update={"loop": loop, "doubling": 48, "adversarial_from": 0.1})
