from __future__ import annotations

import numpy as np
import pytest

from underpaint.stages.optimize.export.groups import group_of, group_products, products_of


@pytest.mark.parametrize(
    ("component", "tensor", "group"),
    [
        ("transformer", "blocks.3.attention.qkv.weight", "transformer.blocks.3"),
        ("transformer", "blocks.11.feed_forward.up.weight", "transformer.blocks.11"),
        ("residual", "blocks.2.down.weight", "residual.blocks.2"),
        ("autoencoder", "decoder.1.conv1.weight", None),
        ("gan", "stages.0.blocks.1.conv.weight", "gan.stages.0.blocks.1"),
        ("transformer", "head.weight", None),
        ("transformer", "modulate.2.weight", None),
        ("transformer", "style_embedding.weight", None),
        ("autoencoder", "decoder.0.weight", None),
        ("autoencoder", "decoder.9.weight", None),
        ("quantizer", "phi.1.inner.weight", None),
    ],
)
def test_what_lies_in_a_block_may_have_8_bits_and_nothing_else(component: str, tensor: str, group: str | None):
    assert group_of(component, tensor) == group


def test_a_product_belongs_to_the_block_of_its_weight_whichever_way_it_lies():
    rng = np.random.default_rng(0)
    up, down, head, own = (rng.standard_normal((6, 4)).astype(np.float32) for _ in range(4))
    components = {"net": {"blocks.0.up.weight": up, "blocks.1.down.weight": down, "head.weight": head}}
    products = {"up": up.T, "up_again": up.T, "down": down, "head": head, "computed": own}
    groups = group_products(products, components)
    assert groups == {"net.blocks.0": ("up", "up_again"), "net.blocks.1": ("down",)}
    assert products_of(groups, frozenset(groups)) == {"up", "up_again", "down"}
    assert products_of(groups, frozenset()) == frozenset()
