from __future__ import annotations

import pytest
import torch

from underpaint.core.errors import InputError, SetupError
from underpaint.runtime import device


def test_the_cpu_is_always_there():
    assert device.available_devices()[-1] == "cpu"
    assert device.choose_device("cpu") == torch.device("cpu")
    assert str(device.choose_device()) == device.available_devices()[0]


def test_an_unknown_device_is_an_input_error():
    with pytest.raises(InputError, match="choose one of cpu"):
        device.choose_device("toaster")


def test_a_device_that_is_not_here_is_a_setup_error():
    with pytest.raises(SetupError, match=r"available here; choose one of .*cpu"):
        device.choose_device("cuda:99")


def test_threads_hold_inside_the_block_alone_even_after_an_error():
    before = torch.get_num_threads()
    with device.threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with device.threads(0):
            assert torch.get_num_threads() == before + 1
    with pytest.raises(RuntimeError), device.threads(before + 2):
        raise RuntimeError
    assert torch.get_num_threads() == before
    with pytest.raises(InputError, match="at least 1"), device.threads(-1):
        pass
