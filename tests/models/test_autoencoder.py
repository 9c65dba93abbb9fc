from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from underpaint.learning.seeding import initialized_by
from underpaint.models.autoencoder import (
    DOWNSAMPLING,
    PAINTED_FROM,
    Autoencoder,
    AutoencoderConfig,
    with_doubling,
)


@pytest.fixture
def autoencoder(stir) -> Autoencoder:
    with initialized_by(0):
        network = Autoencoder(AutoencoderConfig(widths=(8, 16, 32), latent_channels=4))
    stir(network, std=0.05)
    return network


def pictures(count: int = 3, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 4, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@torch.no_grad()
@pytest.mark.parametrize("size", [8, 16, 64])
def test_a_latent_is_an_eighth_of_the_picture_and_back(autoencoder, size):
    z = autoencoder.encode(pictures(2, size))
    assert z.shape == (2, 4, size // DOWNSAMPLING, size // DOWNSAMPLING) and z.dtype == torch.float32
    assert autoencoder.decode(z).shape == (2, 4, size, size)


@torch.no_grad()
def test_pictures_of_a_batch_do_not_meet_once_training_is_over(autoencoder):
    batch = pictures(4)
    z = autoencoder.encode(batch)
    drawn = autoencoder.decode(z)
    for row in range(4):
        alone = autoencoder.encode(batch[row : row + 1])
        torch.testing.assert_close(alone, z[row : row + 1], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(autoencoder.decode(alone), drawn[row : row + 1], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_training_normalizes_each_channel_and_remembers_how(autoencoder):
    batch = pictures(32)
    autoencoder.train()
    z = autoencoder.encode(batch)
    torch.testing.assert_close(z.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(z.var(dim=(0, 2, 3), correction=0), torch.ones(4), atol=1e-2, rtol=0)
    for _ in range(400):
        autoencoder.encode(batch)
    torch.testing.assert_close(autoencoder.eval().encode(batch), z, atol=2e-2, rtol=2e-2)


@torch.no_grad()
def test_all_four_channels_reach_the_latent_and_all_latents_the_picture(autoencoder):
    before = pictures(1)
    z = autoencoder.encode(before)
    for channel in range(4):
        changed = before.clone()
        changed[:, channel] *= -1.0
        assert not torch.allclose(autoencoder.encode(changed), z, atol=1e-3)
    drawn = autoencoder.decode(z)
    for channel in range(4):
        changed = z.clone()
        changed[:, channel] += 1.0
        difference = (autoencoder.decode(changed) - drawn).abs().amax(dim=(0, 2, 3))
        assert (difference > 1e-4).all()


def test_every_parameter_is_trained(autoencoder):
    autoencoder.train()
    autoencoder.decode(autoencoder.encode(pictures())).square().mean().backward()
    idle = [name for name, p in autoencoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.fixture
def larger(autoencoder) -> Autoencoder:
    with initialized_by(1):
        return with_doubling(autoencoder, 8)


@torch.no_grad()
def test_a_doubled_decoder_paints_twice_the_side_from_the_same_latents(autoencoder, larger):
    batch = pictures(2, 32)
    z = larger.encode(batch)
    torch.testing.assert_close(z, autoencoder.encode(F.avg_pool2d(batch, 2)), atol=0, rtol=0)
    assert z.shape == (2, 4, 32 // larger.config.downsampling, 32 // larger.config.downsampling)
    assert larger.decode(z).shape == batch.shape


def test_a_doubled_decoder_keeps_every_weight_but_those_of_its_end(autoencoder, larger):
    old, new = autoencoder.state_dict(), larger.state_dict()
    trunk = {name for name in old if not name.startswith("decoder.") or int(name.split(".")[1]) <= 6}
    assert len(trunk) < len(old) and all(torch.equal(old[name], new[name]) for name in trunk)
    assert new["decoder.7.conv.weight"].shape == (8 * 4, 8, 1, 1)


@torch.no_grad()
def test_what_feeds_the_new_end_is_what_fed_the_old_one(autoencoder, larger):
    z = autoencoder.encode(pictures(2, 16))
    torch.testing.assert_close(larger.decoder[:PAINTED_FROM](z), autoencoder.decoder[:PAINTED_FROM](z), atol=0, rtol=0)


@torch.no_grad()
def test_a_doubled_decoder_starts_as_a_blurred_form_of_the_old_one(autoencoder, larger):
    features = torch.randn(2, 8, 1, 1, generator=torch.Generator().manual_seed(0)).expand(2, 8, 8, 8)
    small, large = (network.decoder[PAINTED_FROM:](features) for network in (autoencoder, larger))
    middle = small[..., 4:12, 4:12]
    blurred = F.interpolate(F.avg_pool2d(middle, 2), scale_factor=4.0)
    torch.testing.assert_close(large[..., 8:24, 8:24], blurred, atol=1e-5, rtol=1e-4)


def test_every_parameter_of_a_doubled_decoder_is_trained(larger, stir):
    stir(larger, std=0.05)
    larger.train()
    larger.decode(larger.encode(pictures(3, 32))).square().mean().backward()
    assert [name for name, p in larger.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_decoder_is_doubled_once(larger):
    with pytest.raises(AssertionError, match="doubled once"):
        with_doubling(larger, 8)


def test_settings_without_a_doubling_are_written_as_before():
    assert "doubling" not in AutoencoderConfig().model_dump()
    assert AutoencoderConfig(doubling=16).model_dump()["doubling"] == 16
    with pytest.raises(ValueError, match="multiple of 8"):
        AutoencoderConfig(doubling=12)
