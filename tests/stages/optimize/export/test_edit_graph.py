from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from PIL import Image

import underpaint
from underpaint.adapters.graph_engine import FixedGraph
from underpaint.core.config import Config
from underpaint.core.errors import InputError
from underpaint.core.progress import silent
from underpaint.core.tensor_spec import TensorSpec
from underpaint.pipelines.editing.graph_inputs import AGAINST, MIXED, NEGATIVE
from underpaint.pipelines.editing.mask import Mask
from underpaint.pipelines.editing.request import EditRequest
from underpaint.pipelines.exported import ExportedPipeline
from underpaint.pipelines.exported_folder import EDGE, GUIDANCE, PICTURE, TEMPERATURE, WORDS, open_exported
from underpaint.pipelines.model_folder import open_model
from underpaint.pipelines.saved import save_pipeline
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.engine import EngineName
from underpaint.stages.optimize.export.config import ExportConfig
from underpaint.stages.optimize.export.run import export

LEFT = np.zeros((32, 32), dtype=bool)
LEFT[:, :13] = True


def picture() -> Image.Image:
    image = Image.new("RGBA", (32, 32))
    image.paste((200, 30, 30, 255), (4, 4, 28, 28))
    return image


class Asked(FixedGraph):
    """A graph of given inputs that notes which ones it gets."""

    name: EngineName = "onnx"

    def __init__(self, inputs: Mapping[str, TensorSpec], asked: list[set[str]]) -> None:
        super().__init__(inputs, (PICTURE,))
        self._asked = asked

    def _compute(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        self._asked.append({*feeds})
        return [np.zeros((1, 32, 32, 4), dtype=np.uint8)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "asked",
    [
        EditRequest(prompt="a smiling cat", style="flat", seed=5, n=2),
        EditRequest(seed=6),
        EditRequest(prompt="a dog", strength=0.0, seed=6),
        EditRequest(prompt="a dog", strength=0.4, negative="the green apple", guidance=4.0, seed=7),
        EditRequest(prompt="a dog", mix="a red cat with sunglasses", mix_share=0.3, temperature=0.5, seed=8),
    ],
)
def test_the_graph_edits_as_torch_does(tiny_edit_export, tiny_model, asked, masked):
    mask = Mask(inside=LEFT) if masked else None
    networks, graph = underpaint.load(tiny_model, engine="torch"), underpaint.load(tiny_edit_export)
    pairs = zip(networks.edit(picture(), asked, mask=mask), graph.edit(picture(), asked, mask=mask), strict=True)
    for ours, theirs in pairs:
        assert np.abs(np.asarray(ours).astype(int) - np.asarray(theirs)).max() <= 1
        assert theirs.info["underpaint"].engine == "onnx"
        if masked:
            assert np.array_equal(np.asarray(theirs)[~LEFT], np.asarray(picture())[~LEFT])


def test_the_graph_s_words_are_not_ignored(tiny_edit_export):
    graph = underpaint.load(tiny_edit_export)
    base = EditRequest(prompt="a dog", strength=1.0, temperature=0.0, guidance=8.0, seed=7)
    plain = graph.edit(picture(), base)[0].tobytes()
    for change in ({"prompt": None, "style": "flat"}, {"strength": 0.5}, {"style": "noto"}):
        assert graph.edit(picture(), base.model_copy(update=change))[0].tobytes() != plain, change


def test_an_export_with_edits_has_the_identity_of_its_model_and_says_how_near_it_is(tiny_edit_export, tiny_model):
    model = open_exported(tiny_edit_export)
    assert model.edge.edit is not None and model.edge.edit.schedule == (1, 2, 4)
    assert model.digest == open_model(tiny_model).digest
    assert model.manifest.figures["edit"]["same_share"] == 1.0


def test_only_what_guidance_needs_may_be_missing_in_a_graph(tiny_edit_export):
    graph, base = underpaint.load(tiny_edit_export), EditRequest(prompt="a dog", seed=7)
    graph.edit(picture(), base)
    pipeline = graph.pipeline
    assert isinstance(pipeline, ExportedPipeline) and isinstance(pipeline.edit_graph, FixedGraph)
    whole, asked = pipeline.edit_graph.inputs, list[set[str]]()
    dropped = {GUIDANCE, NEGATIVE, *(name for name in whole if name.startswith(f"{AGAINST}-"))}
    pipeline.edit_graph = Asked({name: spec for name, spec in whole.items() if name not in dropped}, asked)
    graph.edit(picture(), base)
    assert asked == [whole.keys() - dropped] and len(dropped) == 5
    for name in (TEMPERATURE, f"{MIXED}-{WORDS}"):
        pipeline.edit_graph = Asked({key: spec for key, spec in whole.items() if key != name}, asked)
        with pytest.raises(InputError, match=f"do not fit the graph.*{name}"):
            graph.edit(picture(), base)


def test_a_graph_that_draws_gets_no_input_that_it_does_not_know(tiny_edit_export):
    pipeline = underpaint.load(tiny_edit_export).pipeline
    assert isinstance(pipeline, ExportedPipeline)
    inputs = {f"{name}s" if name == TEMPERATURE else name: spec for name, spec in pipeline.graph.inputs.items()}
    pipeline.graph = Asked(inputs, [])
    with pytest.raises(InputError, match=f"do not fit the graph.*{TEMPERATURE}"):
        pipeline.draw([DrawRequest(caption="a dog", seed=1)])


@pytest.mark.slow
def test_openvino_edits_too(tiny_model, tmp_path):
    export(ExportConfig(engine="openvino", edit=True), open_model(tiny_model), tmp_path / "tiny", silent)
    assert open_exported(tmp_path / "tiny").manifest.figures["edit"]["same_share"] == 1.0
    (image,) = underpaint.load(tmp_path / "tiny").edit(picture(), "a smiling cat")
    assert image.info["underpaint"].engine == "openvino"


def test_an_export_without_edits_is_written_as_before_and_does_not_edit(tiny_model, tmp_path):
    export(ExportConfig(), open_model(tiny_model), tmp_path / "plain", silent)
    assert "edit" not in json.loads((tmp_path / "plain" / EDGE).read_text())
    assert "edit" not in ExportConfig().model_dump()
    with pytest.raises(InputError, match=r"drawn by a graph here.*or export it with --edit"):
        underpaint.load(tmp_path / "plain").edit(picture(), "a cat")


def test_only_hybrid_models_in_32_bits_have_such_a_graph(make_tiny_flow, tmp_path):
    for values in ({"precision": "int8"}, {"batch": 2}):
        with pytest.raises(InputError, match="has 32 bits and draws one picture at once"):
            ExportConfig.parse({"edit": True, **values}, source="options")
    save_pipeline(make_tiny_flow(), tmp_path / "flow", stage="test", config=Config(), parents={})
    with pytest.raises(InputError, match="has no scales that could be kept"):
        export(ExportConfig(edit=True), open_model(tmp_path / "flow"), tmp_path / "out", silent)


def test_it_edits_where_there_is_no_torch(tiny_edit_export, tmp_path):
    picture().save(tmp_path / "red.png")
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from underpaint.cli.app import main\n"
        f"sys.exit(main(['edit', 'red.png', 'a cat', '--seed', '7', '--no-sign', '-m', {str(tiny_edit_export)!r}]))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (finished.returncode, finished.stdout) == (0, "underpaint-edit-a-cat-7.png\n"), finished.stderr
