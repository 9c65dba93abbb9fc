"""An equally small text-to-image pipeline of diffusers with random weights: what others would have to start.

Runs in the peer's own Python, which has torch, diffusers and transformers and nothing of this project.

    python benchmarks/peer_pipeline.py make FOLDER     # once
    python benchmarks/peer_pipeline.py draw FOLDER OUT.png [SEED]
    python benchmarks/peer_pipeline.py count FOLDER    # its parameters
"""

# pyright: reportPrivateImportUsage=false, reportArgumentType=false, reportAttributeAccessIssue=false
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

SIDE = 64
STEPS = 4
PROMPT = "a red heart"


def make(folder: Path) -> None:
    """Save a Stable Diffusion pipeline that draws 64 pixels a side.

    It has fifteen million parameters, as many as the shipped model with its table of words.
    """
    import torch
    from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    text = CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=24,
        bos_token_id=52,
        eos_token_id=53,
        pad_token_id=53,
    )
    torch.manual_seed(0)  # noqa: TID251 (the peer's own process, with nothing of ours in it)
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(
            block_out_channels=(48, 96, 128),
            down_block_types=("DownEncoderBlock2D",) * 3,
            up_block_types=("UpDecoderBlock2D",) * 3,
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=8,
            sample_size=SIDE,
        ),
        text_encoder=CLIPTextModel(text),
        tokenizer=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=24),
        unet=UNet2DConditionModel(
            block_out_channels=(64, 128, 192),
            layers_per_block=1,
            sample_size=SIDE // 4,
            norm_num_groups=8,
            attention_head_dim=4,
            cross_attention_dim=256,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        scheduler=DPMSolverMultistepScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)


def parameters(pipeline: Any) -> int:
    """Return the number of parameters of all networks."""
    return sum(p.numel() for part in (pipeline.vae, pipeline.text_encoder, pipeline.unet) for p in part.parameters())


def draw(folder: Path, out: Path, seed: int) -> None:
    """Load the pipeline and draw one picture, as its users would."""
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(seed)
    pipeline(PROMPT, num_inference_steps=STEPS, generator=generator).images[0].save(out)


def main() -> None:
    """Make or draw."""
    action, folder, *rest = sys.argv[1:]
    if action == "make":
        make(Path(folder))
    elif action == "count":
        from diffusers import StableDiffusionPipeline

        print(parameters(StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)))
    else:
        draw(Path(folder), Path(rest[0]), int(rest[1]) if len(rest) > 1 else 0)


if __name__ == "__main__":
    main()
