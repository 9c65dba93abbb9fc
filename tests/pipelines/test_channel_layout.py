from __future__ import annotations

from pathlib import Path

import pytest

from underpaint.core.errors import InputError
from underpaint.pipelines import channel_layout
from underpaint.pipelines.channel_layout import ChannelLayout, check_layout, layout_of, own_layout
from underpaint.runtime.processor import Processor

AVX2 = Processor(family="x86", model="An Old One", flags=("avx", "avx2", "fma"), flags_known=True)
AVX512 = Processor(family="x86", model="A Wide One", flags=("avx", "avx2", "avx512f", "avx512_vnni"), flags_known=True)
ARM = Processor(family="arm", model="A Small One", flags=("asimd", "asimddp"), flags_known=True)
SILENT = Processor(family="x86", model="A Silent One")
OTHER = Processor(family="riscv64", flags_known=True)
NARROW, BROAD = ChannelLayout(family="x86", lanes=8), ChannelLayout(family="x86", lanes=16)
FOLDER = Path("laid-out")


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch):
    """Pretend to run on a processor: ``on(AVX2)``."""

    def pretend(processor: Processor) -> None:
        monkeypatch.setattr(channel_layout, "read_processor", lambda: processor)

    return pretend


def test_the_layout_follows_from_the_widest_instruction():
    found = [layout_of(processor) for processor in (AVX2, AVX512, ARM, SILENT, OTHER)]
    assert found == [NARROW, BROAD, ChannelLayout(family="arm", lanes=4), None, None]


def test_other_instructions_change_no_layout():
    richer = AVX2.model_copy(update={"flags": ("avx2", "avx_vnni", "fma")})
    assert layout_of(richer) == layout_of(AVX2)


@pytest.mark.parametrize("processor", [AVX2, AVX512, ARM])
def test_a_graph_runs_where_it_was_laid_out(on, processor: Processor):
    on(processor)
    check_layout(own_layout(), FOLDER, "nano")


@pytest.mark.parametrize("processor", [AVX2, AVX512, ARM, SILENT, OTHER])
def test_a_graph_without_a_layout_runs_anywhere(on, processor: Processor):
    on(processor)
    check_layout(None, FOLDER, "nano")


@pytest.mark.parametrize(
    ("layout", "processor", "said"),
    [
        (NARROW, AVX512, r"for x86 with 8 numbers .*\(A Wide One\) is x86 with 16 numbers"),
        (BROAD, AVX2, r"for x86 with 16 numbers .*\(An Old One\) is x86 with 8 numbers"),
        (NARROW, ARM, r"\(A Small One\) is arm with 4 numbers"),
        (NARROW, SILENT, r"\(A Silent One\) is not known well enough"),
        (NARROW, OTHER, r"\(riscv64\) is not known well enough"),
    ],
)
def test_elsewhere_it_is_refused_with_the_command_that_mends_it(on, layout, processor: Processor, said: str):
    on(processor)
    with pytest.raises(InputError, match=rf"^laid-out was laid out .*{said}.*'underpaint export nano --native --out"):
        check_layout(layout, FOLDER, "nano")


def test_for_a_processor_that_is_not_known_nothing_is_laid_out(on):
    on(SILENT)
    with pytest.raises(InputError, match=r"A Silent One.*leave --native out"):
        own_layout()
