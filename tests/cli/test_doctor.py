from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from underpaint.cli import doctor
from underpaint.core.config import digest_of
from underpaint.core.installing import mending
from underpaint.pipelines import engine_choice, exported_folder, model_folder
from underpaint.pipelines.editing.asking import choose_editing
from underpaint.runtime.findings import Finding


@pytest.fixture
def shipped(tiny_model, tmp_path, monkeypatch):
    """A folder of shipped models that holds the tiny one in the place of the default."""
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path / "shipped")
    shutil.copytree(tiny_model, tmp_path / "shipped" / model_folder.DEFAULT_MODEL)
    return tmp_path / "shipped" / model_folder.DEFAULT_MODEL


def by_name(document) -> dict[str, dict]:
    return {finding["name"]: finding for finding in document["findings"]}


def test_everything_that_is_said_stands_in_the_json_too(underpaint, shipped):
    finished = underpaint("doctor")
    document = underpaint("doctor", "--json").json
    assert finished.code == 0
    assert f"class {document['host_class']}" in finished.stdout
    assert f"fingerprint {document['digest'][:16]}" in finished.stdout
    assert document["digest"] == digest_of(document["fingerprint"])
    words = " ".join(finished.stdout.split())
    for finding in document["findings"]:
        assert finding["value"] in words and " ".join(finding["meaning"].split()) in words


def test_the_sections_are_complete(underpaint, shipped):
    document = underpaint("doctor", "--json").json
    names = {
        section: [f["name"] for f in document["findings"] if f["section"] == section] for section in doctor.SECTIONS
    }
    assert {"engine", "model", "number format", "8-bit numbers", "threads"} == {*names["used"]}
    assert {"processor", "cores", "memory", "GPU", "system", "cache"} <= {*names["machine"]}
    assert {"base", "onnx", "openvino", "torch", "emoji font"} <= {*names["software"]}


def test_every_finding_stands_once_under_its_heading(underpaint, shipped):
    lines = underpaint("doctor").stdout.splitlines()
    starts = [lines.index(heading) for heading in doctor.SECTIONS.values()]
    assert starts == sorted(starts)
    for finding in underpaint("doctor", "--json").json["findings"]:
        head = f"{doctor.MARKS[finding['state']]} {finding['name']:<{doctor.NAME_WIDTH}}  {finding['value']}"
        assert lines.count(head) == 1
        above = [start for start in starts if start < lines.index(head)]
        assert lines[above[-1]] == doctor.SECTIONS[finding["section"]]


def test_a_changed_file_of_a_shipped_model_is_found(underpaint, shipped):
    weights = shipped / "transformer" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    finished = underpaint("doctor", "--json")
    model = by_name(finished.json)["model"]
    assert (finished.code, model["state"], model["remedy"]) == (4, "broken", mending())
    assert str(weights) in model["meaning"]
    assert "To mend" in underpaint("doctor").stdout


def test_a_missing_model_is_found(underpaint, shipped):
    shutil.rmtree(shipped)
    finished = underpaint("doctor", "--json")
    found = by_name(finished.json)["model"]
    assert (finished.code, found["state"], found["remedy"]) == (4, "broken", mending())


def test_without_an_engine_it_leaves_with_the_code_for_what_is_not_installed(underpaint, shipped, monkeypatch):
    monkeypatch.setattr(engine_choice, "is_installed", lambda _engine: False)
    finished = underpaint("doctor", "--json")
    engine = by_name(finished.json)["engine"]
    assert (finished.code, engine["state"], finished.json["engine"]["name"]) == (5, "broken", None)
    assert "pip install" in engine["meaning"]


def test_the_engine_is_the_one_that_generate_and_edit_take(underpaint, shipped):
    choice = engine_choice.choose(model_folder.open_model())
    document = underpaint("doctor", "--json").json
    assert document["engine"] == {"name": choice.name, "why": choice.why, "edits": True}
    assert choose_editing(model_folder.open_model()) == choice.name
    assert by_name(document)["engine"]["value"].startswith(choice.name)


def test_exported_forms_are_checked_too():
    named = [finding.value.split(",")[0] for finding in doctor.model_findings()]
    assert named == [*model_folder.shipped_models(), *exported_folder.shipped_exports()]
    assert len(named) > len(model_folder.shipped_models())


def test_a_command_is_named_once_with_all_it_is_for():
    def lacking(name: str) -> Finding:
        return Finding(
            section="software", name=name, value="not there", meaning="", state="missing", remedy="pip install both"
        )

    found = [lacking("first"), lacking("second")]
    assert doctor.commands("More", found, "missing") == ["", "More", "  pip install both  # first, second"]
    assert doctor.commands("More", found, "broken") == []


def test_a_cache_that_does_not_exist_yet_is_no_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERPAINT_CACHE", str(tmp_path / "a" / "b"))
    finding = doctor.cache_finding()
    assert (finding.state, str(tmp_path / "a" / "b") in finding.value) == ("ok", True)
    assert not (tmp_path / "a").exists()


def test_it_imports_no_engine():
    code = (
        "import sys; from underpaint.cli.app import main; main(['doctor', '--json']); "
        "heavy = {'torch', 'onnxruntime', 'openvino', 'transformers', 'diffusers', 'scipy'}; "
        "sys.stderr.write(str(sorted(heavy & sys.modules.keys())))"
    )
    finished = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert finished.stderr == "[]"
    assert json.loads(finished.stdout)["findings"]
