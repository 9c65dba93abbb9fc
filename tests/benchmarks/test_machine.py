from __future__ import annotations

import json


def test_a_document_says_what_was_measured_and_on_what_machine(load_benchmark, tmp_path):
    machine = load_benchmark("machine")
    machine.write_document(tmp_path / "new" / "one.json", "one", rounds=3, results={"a": 1.5})
    document = json.loads((tmp_path / "new" / "one.json").read_text())
    assert list(document) == ["what", "rounds", "results", "machine"]
    assert (document["what"], document["results"]) == ("one", {"a": 1.5})
    assert "underpaint" in document["machine"]["versions"]


def test_a_table_is_markdown_with_numbers_to_the_right(load_benchmark, capsys):
    load_benchmark("machine").print_table(["name", "ms"], [["a", "1.5"], ["longer", "12.0"]])
    assert capsys.readouterr().out.splitlines() == [
        "| name   |   ms |",
        "|--------|-----:|",
        "| a      |  1.5 |",
        "| longer | 12.0 |",
    ]
