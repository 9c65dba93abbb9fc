"""Tiny diffusers pipelines of the real classes with random weights, built without a network: 16 or 32 pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn

from underpaint.adapters.diffusers.loading import quiet
from underpaint.adapters.require import require
from underpaint.learning.seeding import initialized_by

diffusers, transformers = (require(name, extra="diffusers") for name in ("diffusers", "transformers"))

WORDS = ("a", "red", "green", "apple", "cat", "dog", "smiling", "with", ",", ".")
WIDTH = 32


def clip_tokenizer() -> Any:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + [",", "."]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=16)


def word_tokenizer() -> Any:
    """A tokenizer of whole words, where real pipelines have one of T5 or Gemma."""
    vocabulary = {word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=16, **special)


def clip_config(projection: int = WIDTH) -> Any:
    return transformers.CLIPTextConfig(
        vocab_size=58,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=16,
        projection_dim=projection,
        bos_token_id=56,
        eos_token_id=57,
        pad_token_id=57,
    )


def t5_encoder() -> Any:
    sizes = {"vocab_size": 16, "d_model": WIDTH, "d_kv": 8, "d_ff": WIDTH, "num_layers": 1, "num_heads": 2}
    return transformers.T5EncoderModel(transformers.T5Config(**sizes))


def vae(channels: int = 4, *, quantized: bool = True) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=16,
        use_quant_conv=quantized,
        use_post_quant_conv=quantized,
        shift_factor=0.0,
    )


def unet(**others: Any) -> Any:
    sizes = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "sample_size": 8,
        "norm_num_groups": 4,
        "attention_head_dim": 4,
        "cross_attention_dim": WIDTH,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    return diffusers.UNet2DConditionModel(**(sizes | others))


BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def stable_diffusion() -> Any:
    return diffusers.StableDiffusionPipeline(
        vae=vae(),
        text_encoder=transformers.CLIPTextModel(clip_config()),
        tokenizer=clip_tokenizer(),
        unet=unet(),
        scheduler=diffusers.PNDMScheduler(skip_prk_steps=True, steps_offset=1, **BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def safety_checked() -> Any:
    """A pipeline whose safety checker flags every picture: no concept is farther away than its threshold."""
    checker = require("diffusers.pipelines.stable_diffusion.safety_checker", extra="diffusers")
    vision = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    sizes = {"image_size": 16, "patch_size": 8, "projection_dim": 8}
    config = transformers.CLIPConfig(
        text_config=clip_config().to_dict(), vision_config={**vision, **sizes}, projection_dim=8
    )
    flagging = checker.StableDiffusionSafetyChecker(config)
    with torch.no_grad():
        flagging.concept_embeds_weights.fill_(-2.0)
    square = {"height": 16, "width": 16}
    pipeline = stable_diffusion()
    pipeline.register_modules(
        safety_checker=flagging,
        feature_extractor=transformers.CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=square),
    )
    return pipeline


def latent_consistency() -> Any:
    return diffusers.LatentConsistencyModelPipeline(
        vae=vae(),
        text_encoder=transformers.CLIPTextModel(clip_config()),
        tokenizer=clip_tokenizer(),
        unet=unet(time_cond_proj_dim=16),
        scheduler=diffusers.LCMScheduler(**BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def stable_diffusion_xl() -> Any:
    return diffusers.StableDiffusionXLPipeline(
        vae=vae(),
        text_encoder=transformers.CLIPTextModel(clip_config()),
        text_encoder_2=transformers.CLIPTextModelWithProjection(clip_config()),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=unet(
            cross_attention_dim=2 * WIDTH,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        ),
        scheduler=diffusers.EulerDiscreteScheduler(steps_offset=1, timestep_spacing="leading", **BETAS),
        add_watermarker=False,
    )


def stable_diffusion_3() -> Any:
    projected = {f"text_encoder{n}": transformers.CLIPTextModelWithProjection(clip_config()) for n in ("", "_2")}
    return diffusers.StableDiffusion3Pipeline(
        **projected,
        text_encoder_3=t5_encoder(),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        tokenizer_3=word_tokenizer(),
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=WIDTH,
            caption_projection_dim=WIDTH,
            pooled_projection_dim=2 * WIDTH,
            out_channels=4,
        ),
        vae=vae(quantized=False),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def flux() -> Any:
    return diffusers.FluxPipeline(
        text_encoder=transformers.CLIPTextModel(clip_config()),
        text_encoder_2=t5_encoder(),
        tokenizer=clip_tokenizer(),
        tokenizer_2=word_tokenizer(),
        transformer=diffusers.FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            axes_dims_rope=(4, 4, 8),
        ),
        vae=vae(quantized=False),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )


def pixart(kind: str = "Alpha") -> Any:
    return getattr(diffusers, f"PixArt{kind}Pipeline")(
        transformer=diffusers.PixArtTransformer2DModel(
            sample_size=8,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=2,
            caption_channels=WIDTH,
            in_channels=4,
            cross_attention_dim=16,
            out_channels=8,
            use_additional_conditions=False,
        ),
        vae=vae(),
        scheduler=diffusers.DPMSolverMultistepScheduler(beta_schedule="linear"),
        text_encoder=t5_encoder(),
        tokenizer=word_tokenizer(),
    )


def sana() -> Any:
    gemma = transformers.Gemma2Config(
        vocab_size=16,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=32,
    )
    dc = {
        "in_channels": 3,
        "latent_channels": 4,
        "attention_head_dim": 2,
        "encoder_block_types": ("ResBlock", "EfficientViTBlock"),
        "decoder_block_types": ("ResBlock", "EfficientViTBlock"),
        "encoder_block_out_channels": (8, 8),
        "decoder_block_out_channels": (8, 8),
        "encoder_qkv_multiscales": ((), (5,)),
        "decoder_qkv_multiscales": ((), (5,)),
        "encoder_layers_per_block": (1, 1),
        "decoder_layers_per_block": (1, 1),
        "downsample_block_type": "conv",
        "upsample_block_type": "interpolate",
        "scaling_factor": 0.4,
    }
    return diffusers.SanaPipeline(
        transformer=diffusers.SanaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=16,
            sample_size=8,
        ),
        vae=diffusers.AutoencoderDC(**dc),
        scheduler=diffusers.DPMSolverMultistepScheduler(
            use_flow_sigmas=True, flow_shift=3.0, prediction_type="flow_prediction"
        ),
        text_encoder=transformers.Gemma2Model(gemma),
        tokenizer=word_tokenizer(),
    )


def pixart_sigma() -> Any:
    return pixart("Sigma")


BUILDERS: dict[str, Callable[[], Any]] = {
    "sd": stable_diffusion,
    "sd-checked": safety_checked,
    "lcm": latent_consistency,
    "sdxl": stable_diffusion_xl,
    "sd3": stable_diffusion_3,
    "flux": flux,
    "pixart": pixart,
    "pixart-sigma": pixart_sigma,
    "sana": sana,
}


def build(name: str, folder: Path) -> Path:
    """Save a tiny pipeline into a folder; zeros become noise, since they would hide mistakes."""
    with quiet(), initialized_by(0):
        pipeline = BUILDERS[name]()
        with torch.no_grad():
            for module in pipeline.components.values():
                for parameter in module.parameters() if isinstance(module, nn.Module) else ():
                    if not parameter.any():
                        parameter.normal_(std=0.1)
        pipeline.save_pretrained(folder)
    return folder
