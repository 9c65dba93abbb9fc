"""A network that lies in main memory and visits the device of its inputs for the length of a call.

Nothing is moved in place: the call is computed with copies, which are gone when it is over. So a GPU holds one network
at a time, for the price of copying each once a picture.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from underpaint.models.twin import twin


class Offloaded(nn.Module):
    """The network.

    Args:
        network: What it stands for; its weights are copied to main memory unless they lie there.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.device = next(network.parameters()).device
        """Where it computes: loops ask, and put their inputs there."""
        self.network = twin(network, _at_home)

    def __getattr__(self, name: str) -> Any:
        """Return what the network has under this name."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute on the device of the first tensor among the inputs."""
        given = next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)
        device = torch.device("cpu") if given is None else given.device
        state = {name: value.to(device) for name, value in self.network.state_dict(keep_vars=True).items()}
        return functional_call(self.network, state, args, kwargs)


def _at_home(tensor: Tensor) -> Tensor:
    if tensor.device.type == "cpu":
        return tensor
    copied = tensor.detach().to("cpu")
    return nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied
