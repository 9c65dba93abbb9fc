from __future__ import annotations

import pytest

from underpaint.core.errors import LicenseRefused
from underpaint.stages.data.license import Waiver, gate
from underpaint.stages.data.license_classes import LICENSES
from underpaint.stages.data.notices import license_text, notice
from underpaint.stages.data.sources import NPM_EVIDENCE, Evidence, Upstream, Verified

NOTO, FLAT = NPM_EVIDENCE[0], NPM_EVIDENCE[1]


def source(stated: str, upstream: str | None = None, verified: str | None = None, **more: str) -> Evidence:
    """Make evidence whose other columns agree with the first unless given."""
    found = Upstream(license=stated if upstream is None else upstream, url="https://example.org/LICENSE")
    checked = Verified(
        license=stated if verified is None else verified, by="me", date="2026-01-01", statement="I read it"
    )
    fields = {"source": "pack@1", "purl": "pkg:npm/pack@1", "role": "drawings", "author": "A"} | more
    return Evidence(stated=stated, upstream=found, verified=checked, **fields)


REFUSED = {
    "no license": (source(""), "missing", "license_stated"),
    "no upstream license": (source("MIT", upstream=""), "missing", "license_upstream"),
    "nobody verified it": (FLAT.model_copy(update={"verified": None}), "missing", "license_verified"),
    "no license file upstream": (FLAT.model_copy(update={"upstream": None}), "missing", "license_upstream"),
    "an unknown key": (source("Banana-1.0"), "unknown", "Banana-1.0"),
    "no expression": (source("MIT AND"), "unknown", "MIT AND"),
    "a package that claims more than upstream": (source("MIT", upstream="OFL-1.1"), "disagree", "'OFL-1.1'"),
    "a package that claims more than was verified": (source("MIT", verified="CC-BY-4.0"), "disagree", "'CC-BY-4.0'"),
    "a known key without a class": (source("Zlib"), "unclassified", "Zlib"),
    "an exception without a class": (source("GPL-2.0-only WITH Classpath-exception-2.0"), "unclassified", "Classpath"),
    "share-alike": (source("CC-BY-SA-4.0"), "share-alike", "CC-BY-SA-4.0"),
    "share-alike beside a free license": (source("MIT AND CC-BY-SA-4.0"), "share-alike", "CC-BY-SA-4.0"),
    "a choice of two share-alikes": (source("CC-BY-SA-4.0 OR GPL-3.0-only"), "share-alike", "GPL-3.0-only"),
    "non-commercial": (source("CC-BY-NC-4.0"), "use", "non-commercial"),
    "no derivatives": (source("CC-BY-ND-4.0"), "derivatives", "CC-BY-ND-4.0"),
    "a set known to be mislabeled": (source("MIT", source="@lobehub/fluent-emoji-3d@1.1.0"), "mislabeled", "51"),
    "Apple's drawings": (source("MIT", source="emoji-datasource-apple@15.0.0"), "mislabeled", "Apple"),
    "Noto from png": (source("Apache-2.0", source="googlefonts/noto-emoji/png"), "mislabeled", "svg/"),
}


@pytest.mark.parametrize(("evidence", "rule", "words"), REFUSED.values(), ids=REFUSED)
def test_the_gate_fails_closed(evidence: Evidence, rule: str, words: str) -> None:
    with pytest.raises(LicenseRefused) as caught:
        gate([NOTO, evidence], "Apache-2.0")
    message = str(caught.value)
    assert f"{evidence.source}: rule '{rule}'" in message
    assert words in message


PASSED = {
    "a choice with one free license": (source("CC-BY-SA-4.0 OR MIT"), "Apache-2.0"),
    "share-alike with its own license": (source("CC-BY-SA-4.0"), "CC-BY-SA-4.0"),
    "share-alike with a compatible license": (source("CC-BY-SA-4.0"), "GPL-3.0-only"),
    "the same license in other words": (source("mit", upstream="MIT", verified="(MIT)"), "Apache-2.0"),
    "attribution": (source("CC-BY-4.0"), "Apache-2.0"),
}


@pytest.mark.parametrize(("evidence", "weights"), PASSED.values(), ids=PASSED)
def test_what_is_allowed_passes(evidence: Evidence, weights: str) -> None:
    assert gate([evidence], weights).evaluation_only == ()


def test_the_default_set_passes_with_its_duties() -> None:
    duties = gate(NPM_EVIDENCE, "Apache-2.0")
    assert duties.license == "Apache-2.0 AND MIT AND Unicode-3.0"
    assert duties.notice == ("Apache-2.0", "MIT", "Unicode-3.0")
    assert set(duties.attribution) == {evidence.source for evidence in NPM_EVIDENCE}


def test_share_alike_may_be_compared_with_but_is_kept_from_weights() -> None:
    duties = gate([NOTO, source("CC-BY-SA-4.0", purpose="evaluation")], "Apache-2.0")
    assert duties.evaluation_only == ("pack@1",)


def test_a_waiver_holds_for_its_source_and_rule_alone_and_is_kept() -> None:
    waiver = Waiver(source="pack@1", rule="share-alike", by="me", reason="the author allowed it in writing")
    assert gate([source("CC-BY-SA-4.0")], "Apache-2.0", [waiver]).waivers == (waiver,)
    with pytest.raises(LicenseRefused, match="non-commercial"):
        gate([source("CC-BY-NC-SA-4.0")], "Apache-2.0", [waiver])
    with pytest.raises(LicenseRefused, match="other@1"):
        gate([source("CC-BY-SA-4.0"), source("CC-BY-SA-4.0", source="other@1")], "Apache-2.0", [waiver])


def test_unknown_weights_licenses_are_refused() -> None:
    with pytest.raises(LicenseRefused, match="choose one of"):
        gate(NPM_EVIDENCE, "Proprietary")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(LicenseRefused, match=r"^5 license problem"):
        gate([source("", source="a"), source("Zlib", source="b"), source("CC-BY-NC-4.0", source="c")], "Apache-2.0")


def test_the_table_knows_spdx_keys_only() -> None:
    from underpaint.adapters.license_expression import parse

    assert [parse(key) for key in LICENSES] == list(LICENSES)


def test_every_text_that_must_go_along_is_at_hand() -> None:
    for key in ("Apache-2.0", "MIT", "OFL-1.1", "Unicode-3.0", "Unicode-DFS-2016"):
        assert len(license_text(key)) > 900
    with pytest.raises(LicenseRefused, match="BSD-2-Clause"):
        license_text("BSD-2-Clause")


def test_the_notice_names_every_source() -> None:
    text = notice(NPM_EVIDENCE, gate(NPM_EVIDENCE, "Apache-2.0"))
    assert all(evidence.purl in text and evidence.author in text for evidence in NPM_EVIDENCE)
