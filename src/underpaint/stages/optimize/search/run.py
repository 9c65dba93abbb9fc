"""From a model, a data set and a judge to a faster model, or to the record that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from underpaint.core.artifact import read_manifest, require_new
from underpaint.core.config import digest_of
from underpaint.core.errors import InputError
from underpaint.core.progress import Progress, Report
from underpaint.core.samples import Sample, read_samples
from underpaint.models.randconv import load_randconv
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import load_networks
from underpaint.pipelines.settings import DrawRequest
from underpaint.pipelines.slots import capabilities_of
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.runtime.fingerprint import Fingerprint, read_fingerprint
from underpaint.runtime.host_class import host_class
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.entrants import rivals_of
from underpaint.stages.optimize.search.making import Workshop, check_optimizable
from underpaint.stages.optimize.search.prompts import Split, picture_seed, split_prompts
from underpaint.stages.optimize.search.quality import Eyes
from underpaint.stages.optimize.search.record import Begun
from underpaint.stages.optimize.search.searching import Search
from underpaint.stages.optimize.search.space import space_of
from underpaint.stages.optimize.search.spending import check_plan
from underpaint.stages.optimize.search.task import Task
from underpaint.stages.optimize.search.trial_log import TRIALS, TrialLog, is_written, workspace
from underpaint.stages.optimize.search.workbench import Workbench
from underpaint.stages.optimize.search.writing import Finished, finished_in, write_search


def target_device(config: SearchConfig, host: Fingerprint) -> str:
    """Return where models run.

    Raises:
        InputError: A GPU is asked for that is not there.
    """
    if config.target == "cuda" and not (host.gpus and torch.cuda.is_available()):
        raise InputError(
            "--target cuda needs a GPU of NVIDIA that torch can use, and there is none here [host.cuda]; search on a "
            "machine that has one, or take --target this-machine"
        )
    return "cuda" if config.target != "cpu" and host.gpus and torch.cuda.is_available() else "cpu"


def run_search(task: Task, report: Report, clock: Clock | None = None) -> Finished:
    """Search, and write what came out.

    A search that was ended when its result was there and its workspace not yet removed is not done again.

    Args:
        task: What is asked.
        report: Receives progress.
        clock: What time is read from.

    Returns:
        The whole search, which lies in ``task.out`` too: a model of kind ``optimized`` if one was accepted, else an
        artifact of kind ``search`` with the same records.

    Raises:
        InputError: The model cannot be optimized, the target is not there, the budget is too small, a rival was made
            from another model, or the folder of an unfinished search belongs to another one.
        ArtifactError: What would be handed out is not what was judged.
        DataError: There are too few captions.
        PolicyError: The judge could accept nothing.
        StorageError: The folder exists or cannot be written.
    """
    if not is_written(task.out):
        require_new(task.out)
    check_optimizable(task.model)
    host = read_fingerprint()
    device = target_device(task.config, host)
    rivals = rivals_of(task.model, task.rivals)
    split = split_prompts(read_samples(task.data), task.judge.groups(), task.config)
    folder = workspace(task.out)
    if not (folder / TRIALS).is_file():
        check_plan(task.config, task.judge.effort())
    log = TrialLog(folder / TRIALS)
    try:
        log.begin(_begun(task, host, rivals))
        if task.out.exists():
            return finished_in(task.out, log, report)
        report(Progress(task="load the model", done=0))
        bench = _bench(task, split, rivals, folder, host, device)
        try:
            search = Search(
                config=task.config, bench=bench, judge=task.judge, log=log, clock=clock or SystemClock(), report=report
            )
            ended = search.run()
            return write_search(task, bench, log, host, ended, report)
        finally:
            bench.close()
    finally:
        log.close()


def _begun(task: Task, host: Fingerprint, rivals: Sequence[Model]) -> Begun:
    parts = {
        "base": task.model.digest,
        "judge": task.judge.identity,
        "data": read_manifest(task.data, kind="dataset").digest,
        "host": host.digest(),
    }
    settings = task.config.model_dump(mode="json", exclude={"budget_s"})
    key = digest_of([parts, settings, [rival.manifest.digest for rival in rivals]])
    return Begun(
        key=key,
        config=task.config,
        base=parts["base"],
        judge=parts["judge"],
        data=parts["data"],
        host=parts["host"],
        host_class=host.host_class,
    )


def _bench(
    task: Task, split: Split, rivals: Sequence[Model], folder: Path, host: Fingerprint, device: str
) -> Workbench:
    pipeline = load_networks(task.model, torch.device(device))
    workshop = Workshop(model=task.model, pipeline=pipeline, prompts=split.calibration, folder=folder)
    eyes = load_randconv()
    pictures = np.stack([_real(task.data, sample) for sample in split.search])
    return Workbench(
        config=task.config,
        model=task.model,
        workshop=workshop,
        space=space_of(capabilities_of(pipeline), host),
        host_class=host_class(host.processor, host.gpus if device == "cuda" else ()),
        device=device,
        eyes=Eyes(extractor=eyes, real=eyes.extract(pictures).features),
        requests=[_request(sample, task, 0) for sample in split.search],
        others=[_request(sample, task, 1) for sample in split.search],
        rivals=rivals,
    )


def _real(data: Path, sample: Sample) -> np.ndarray:
    with Image.open(data / sample.file) as image:
        return np.asarray(image.convert("RGBA"))


def _request(sample: Sample, task: Task, number: int) -> DrawRequest:
    style = sample.style if sample.style in task.model.styles else None
    return DrawRequest(caption=sample.caption, style=style, seed=picture_seed(sample, task.config.seed, number))
