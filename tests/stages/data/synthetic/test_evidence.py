from __future__ import annotations

import pytest

from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.settings import Settings
from underpaint.stages.data.card_check import PURL
from underpaint.stages.data.license import gate
from underpaint.stages.data.synthetic.evidence import evidence_of, purl_of, source_of
from underpaint.stages.data.synthetic.run import settings_of


@pytest.mark.parametrize("name", ["tiny", "My model (v2)", "a/b@c", "bäume", "x%20y", "?#"])
def test_any_name_of_a_model_gives_a_package_url_of_its_own(name: str) -> None:
    assert PURL.fullmatch(purl_of(name, "0" * 64))
    assert purl_of(name, "0" * 64) != purl_of(f"{name}.", "0" * 64)


def test_what_a_model_drew_passes_the_gate_and_owes_the_credit_of_its_data(
    model: Model, planned: list[Settings]
) -> None:
    config = settings_of(model, planned, "tiny", license="CC-BY-4.0")
    evidence = evidence_of(model, config, "Drawings by Somebody")
    duties = gate([evidence], config.weights_license)
    assert (evidence.source, evidence.sha256) == (source_of(model.name, model.digest), model.digest)
    assert (duties.license, duties.attribution) == ("CC-BY-4.0", (evidence.source,))
    assert evidence.credit == "Drawings by Somebody"
