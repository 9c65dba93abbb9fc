"""One training loop for every network: optimizer, warm-up and cosine, clipping, weight averaging, bit-exact resume.

All randomness of step ``s`` comes from a generator seeded by (seed, s), so a run that was killed and resumed takes the
same path as one that was not. A step of ``k`` micro-batches has ``k`` generators, seeded by (seed, s, i); process ``r``
of ``N`` computes micro-batches ``r, r + N, ...``, so the path is the same for every ``N`` but for the order of sums.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import TrainingError
from underpaint.core.progress import Progress, Report, silent
from underpaint.learning.agreement import require_agreement
from underpaint.learning.config import LoopConfig
from underpaint.learning.ema import WeightAverage
from underpaint.learning.gradients import mean_figures, share_gradients
from underpaint.learning.interrupt import deferred_interrupt, leave
from underpaint.learning.optimizer import make_optimizer
from underpaint.learning.schedule import learning_rate
from underpaint.learning.state import load_state, previous_of, save_state, saved_state
from underpaint.runtime.device import has_bf16
from underpaint.runtime.processes import PartDone, Processes, present

STATE = "state.safetensors"
LOG = "log.jsonl"


class Trainee(Protocol):
    """What the loop needs of the thing that is trained."""

    @property
    def module(self) -> nn.Module:
        """The network, or several as one."""
        ...

    def loss(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of one batch and figures to show; draws only from ``generator``."""
        ...

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Update what gradients do not (codebooks, for example)."""
        ...

    def validate(self) -> dict[str, float]:
        """Measure on held-out data; called with the averaged weights in place."""
        ...

    def draw_samples(self, path: Path) -> None:
        """Write a sample grid; called with the averaged weights in place."""
        ...


def step_generator(seed: int, step: int, purpose: str = "train") -> torch.Generator:
    """Return a generator on the CPU that depends on nothing but its arguments.

    Args:
        seed: Of the run.
        step: Number of the step, or of whatever is drawn for.
        purpose: What is drawn; different purposes draw independently.
    """
    digest = hashlib.sha256(f"{seed}:{purpose}:{step}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def require_shares(config: LoopConfig, processes: Processes) -> None:
    """Check that every process gets equally many micro-batches of a step.

    Raises:
        TrainingError: It does not.
    """
    if config.accumulate % processes.count:
        raise TrainingError(
            f"{processes.count} processes cannot evenly share {config.accumulate} micro-batches a step (accumulate); "
            "start a number of processes that divides it, or choose a recipe with more micro-batches"
        )


class Run:
    """One training run in a folder that holds its state, its log and its sample grids.

    Where several processes train, each makes the same run of the same folder; the first of them alone writes.

    Args:
        trainee: What is trained.
        config: The loop's settings.
        folder: Where the run lives; a state found there is resumed.
        identity: Digest of all settings and inputs.
        device: Where the trainee's module lies.
        report: Receives progress.

    Raises:
        TrainingError: The state found is damaged or of another run, or the processes cannot share the steps.
    """

    def __init__(
        self,
        trainee: Trainee,
        config: LoopConfig,
        folder: Path,
        identity: str,
        device: torch.device,
        report: Report = silent,
    ) -> None:
        self.trainee, self.config, self.folder, self.identity, self.report = trainee, config, folder, identity, report
        self.device, self.processes = device, present()
        require_shares(config, self.processes)
        self.optimizer = make_optimizer(trainee.module, config)
        self.average = WeightAverage(trainee.module, config.average_decay)
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and has_bf16(device))
        self.step = 0
        self.seconds = 0.0
        self.latest: dict[str, float] = {}
        self.smooth: dict[str, float] = {}
        if found := saved_state(folder / STATE):
            self._resume(found)

    def _resume(self, state: Path) -> None:
        self.step, extra = load_state(
            state,
            module=self.trainee.module,
            optimizer=self.optimizer,
            average=self.average,
            identity=self.identity,
        )
        self.seconds, self.latest, self.smooth = extra["seconds"], extra["latest"], extra.get("smooth", {})
        if not self.processes.first:
            return
        log = self.folder / LOG
        lines = log.read_text().splitlines() if log.exists() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= self.step]
        log.write_text("".join(line + "\n" for line in kept))

    def save(self) -> None:
        """Write the state; an interrupted run goes on from the last one written.

        Raises:
            StorageError: It cannot be written; the states before it are kept.
            TrainingError: The processes that train no longer agree.
        """
        require_agreement(self.trainee.module.state_dict(), self.step, self.processes)
        if self.processes.first:
            self._write_state()

    def _write_state(self) -> None:
        save_state(
            self.folder / STATE,
            module=self.trainee.module,
            optimizer=self.optimizer,
            average=self.average,
            step=self.step,
            identity=self.identity,
            extra={"seconds": self.seconds, "latest": self.latest, "smooth": self.smooth},
        )

    def _log(self, figures: Mapping[str, float]) -> None:
        with storage_errors(self.folder / LOG), (self.folder / LOG).open("a") as file:
            file.write(json.dumps({"step": self.step, "seconds": round(self.seconds, 1), **figures}) + "\n")

    def _clip(self) -> Tensor:
        """Clip the gradient of each network apart, so that one's outliers do not slow the others; largest norm."""
        networks = [list(network.parameters()) for network in self.trainee.module.children()]
        clipped = {id(p) for network in networks for p in network}
        rest = [p for p in self.trainee.module.parameters() if id(p) not in clipped]
        norms = [nn.utils.clip_grad_norm_(part, self.config.clip) for part in [*networks, rest] if part]
        return torch.stack([norm.to(self.device) for norm in norms]).max()

    def _micro_batch(self, generator: torch.Generator) -> dict[str, float]:
        """Add a micro-batch's share to the gradients."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            loss, figures = self.trainee.loss(self.step, generator)
        count = self.config.accumulate
        (loss if count == 1 else loss / count).backward()
        return {"loss": float(loss.detach()), **figures}

    def _gradients(self) -> tuple[dict[str, float], torch.Generator]:
        """Compute the gradients of a step; its figures, and the generator of what follows them."""
        seed, total = self.config.seed, self.config.accumulate
        if total == 1:
            generators = [step_generator(seed, self.step)]
        else:
            mine = range(self.processes.rank, total, self.processes.count)
            generators = [step_generator(seed, self.step, f"train.{number}") for number in mine]
        parts = [self._micro_batch(generator) for generator in generators]
        share_gradients([p for p in self.trainee.module.parameters() if p.requires_grad], self.processes)
        figures = mean_figures(parts, total, self.processes)
        return figures, generators[0] if total == 1 else step_generator(seed, self.step, "after")

    def _train_step(self) -> dict[str, float]:
        rate = learning_rate(self.step, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        figures, generator = self._gradients()
        loss = figures.pop("loss")
        if not math.isfinite(loss):
            raise self._diverged("loss", loss)
        norm = float(self._clip())
        if not math.isfinite(norm):
            raise self._diverged("gradient's norm", norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            self.trainee.after_step(self.step, generator)
        self.step += 1
        self.average.update(self.step)
        return {"loss": loss, "gradient_norm": norm, "lr": rate, **figures}

    def _diverged(self, what: str, value: float) -> TrainingError:
        last, previous = self.folder / STATE, previous_of(self.folder / STATE)
        kept = f"; the states before it are kept in {self.folder}" if last.exists() else ""
        other = f", the older of them in {previous.name}" if previous.exists() else ""
        return TrainingError(
            f"the {what} is {value} at step {self.step}; lower lr ({self.config.lr}) or raise warmup "
            f"({self.config.warmup}) in the recipe and train into another --out{kept}{other}"
        )

    @property
    def over(self) -> bool:
        """Whether no further step is to be done."""
        return self.step >= self.config.steps

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.config.steps

    def _milestones(self) -> None:
        with self.average.applied(), torch.no_grad():
            self.trainee.module.eval()
            if self._due(self.config.validate_every):
                self.latest = self.trainee.validate()
                self._log({f"held_out_{name}": value for name, value in self.latest.items()})
            if self._due(self.config.sample_every):
                self.trainee.draw_samples(self.folder / "samples" / f"{self.step:06d}.png")
            self.trainee.module.train()

    def finish(self) -> dict[str, float]:
        """Train to the last step.

        Returns:
            The figures of the last validation.

        Raises:
            TrainingError: The loss is no longer finite, or the processes no longer agree.
            StorageError: The state cannot be written.
            KeyboardInterrupt: Ctrl-C, in whichever process; after the present step was finished and the state saved.
            SystemExit: The same for the system's request to leave (SIGTERM).
            PartDone: The last step is done, in every process but the first.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.trainee.module.train()
        begun = self.step
        if self.processes.first and not self.over:
            self.report(self._progress())
        with deferred_interrupt() as interrupted:
            while not self.over:
                started = time.perf_counter()
                figures = self._train_step()
                self._tell(figures)
                self.seconds += time.perf_counter() - started
                stop = int(self.processes.largest(torch.tensor([interrupted()]))[0])
                if self.step == begun + 1:
                    require_agreement(self.trainee.module.state_dict(), self.step, self.processes)
                if self._due(self.config.save_every) or stop:
                    self.save()
                if self.processes.first:
                    self.report(self._progress())
                if stop:
                    self.processes.wait()
                    leave(stop)
        if not self.processes.first:
            raise PartDone
        return self.latest

    def _tell(self, figures: dict[str, float]) -> None:
        """Write down what a step and its milestones gave; in the first process alone."""
        if not self.processes.first:
            return
        self.smooth = {k: 0.95 * self.smooth.get(k, v) + 0.05 * v for k, v in figures.items()}
        if self._due(50):
            self._log(self.smooth)
        if self._due(self.config.validate_every) or self._due(self.config.sample_every):
            self._milestones()

    def _progress(self) -> Progress:
        shown = {k: v for k, v in self.smooth.items() if k not in ("lr", "gradient_norm")}
        shown |= {f"held-out {name}": value for name, value in self.latest.items()}
        note = "  ".join(f"{name} {value:.3g}" for name, value in shown.items())
        return Progress(task="train", done=self.step, total=self.config.steps, unit="steps", note=note)
