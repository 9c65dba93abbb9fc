"""Recipe for a decoder that paints 128 pixels from the latents of a model for 64."""

from __future__ import annotations

from underpaint.recipes import decoder_64
from underpaint.stages.train.decoder_config import DecoderTraining


def decoder(seed: int = 0) -> DecoderTraining:
    """The shipped model's decoder with one more doubling, which then paints at 128 px.

    ``underpaint train decoder-128 --data artifacts/stickers-128 --out artifacts/decoder-128 --from stickers-64``
    Seven minutes of one CPU core beside other work: 24.6 dB from all of held-out drawings and 21.4 from their tokens.
    It paints in two fifths of the time of 64 px and the upscaler, and not as well (docs/log.md); docs/gpu.md has more.

    Args:
        seed: Seed of the new end, of the discriminator's weights and of the batches.
    """
    base = decoder_64.decoder(seed)
    loop = base.loop.model_copy(update={"steps": 500, "batch_size": 8, "lr": 6e-4, "average_decay": 0.99})
    return base.model_copy(update={"loop": loop, "doubling": 48, "adversarial_from": 0.2})
