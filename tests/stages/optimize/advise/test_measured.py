from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from underpaint.core.errors import ArtifactError, InputError, StorageError
from underpaint.stages.optimize.advise.measured import (
    FILE,
    Batch,
    Measured,
    Power,
    check_model,
    chosen,
    read_measured,
    write_measured,
)
from underpaint.stages.optimize.advise.prices import Machine

SERVER = {"name": "server", "place": "server", "dedicated": False}


def machine(host_class: str, cores: int | None = None) -> Machine:
    return Machine.parse(SERVER | {"host_class": host_class, "cores": cores}, source="test")


def test_what_is_written_is_read_as_folder_and_as_file(
    make_measured: Callable[..., Measured], counted: Power, tmp_path: Path
) -> None:
    measured = make_measured(power=counted)
    write_measured(measured, tmp_path / "here")
    assert read_measured(tmp_path / "here") == measured == read_measured(tmp_path / "here" / FILE)
    with pytest.raises(StorageError, match="exists already"):
        write_measured(measured, tmp_path / "here")


def test_a_folder_that_was_changed_is_refused(make_measured: Callable[..., Measured], tmp_path: Path) -> None:
    write_measured(make_measured(), tmp_path / "here")
    path = tmp_path / "here" / FILE
    path.write_text(path.read_text().replace('"threads": 1', '"threads": 9'))
    with pytest.raises(ArtifactError, match="differs from its manifest"):
        read_measured(tmp_path / "here")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_id": "underpaint.measured-speed/2"}'])
def test_what_is_no_measurement_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(InputError):
        read_measured(tmp_path / "m.json")
    with pytest.raises(InputError, match="--measure-only"):
        read_measured(tmp_path / "none.json")


def test_too_few_times_and_sizes_out_of_order_are_refused(make_measured: Callable[..., Measured]) -> None:
    values = json.loads(make_measured().model_dump_json())
    for batches in (
        [Batch(size=1, times_ms=(1.0,) * 5)],
        [Batch(size=2, times_ms=(1.0,) * 9)],
        [Batch(size=1, times_ms=(1.0,) * 9)] * 2,
    ):
        with pytest.raises(InputError, match="batches must rise from 1"):
            Measured.parse(values | {"batches": [one.model_dump() for one in batches]}, source="test")


def test_a_machine_takes_the_measurement_of_its_class_and_cores_alone(make_measured: Callable[..., Measured]) -> None:
    two, eight, gpu = make_measured(), make_measured(cores=8), make_measured("cuda-sm90")
    assert chosen(machine("x86-avx2", 8), [two, eight, gpu]) == eight
    assert chosen(machine("cuda-sm90"), [two, eight, gpu]) == gpu
    assert chosen(machine("cuda-sm80"), [two, eight, gpu]) is None
    assert chosen(machine("x86-avx2", 4), [two, eight, gpu]) is None
    assert chosen(machine("x86-avx2"), [two, two]) == two
    with pytest.raises(InputError, match=r"2 measurements fit.*say its cores"):
        chosen(machine("x86-avx2"), [two, eight])


def test_a_measurement_of_another_model_is_refused(make_measured: Callable[..., Measured]) -> None:
    check_model(make_measured(), "a" * 64, "tiny")
    with pytest.raises(ArtifactError, match="not of other"):
        check_model(make_measured(), "c" * 64, "other")
