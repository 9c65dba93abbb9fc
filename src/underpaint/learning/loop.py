"""One training loop for every network: AdamW, warm-up and cosine, clipping, weight averaging, bit-exact resume.

All randomness of step ``s`` comes from a generator seeded by (seed, s), so a run that was killed and resumed takes the
same path as one that was not.
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

from underpaint.core.errors import TrainingError
from underpaint.core.progress import Progress, Report, silent
from underpaint.learning.config import LoopConfig
from underpaint.learning.ema import WeightAverage
from underpaint.learning.interrupt import deferred_interrupt
from underpaint.learning.state import load_state, save_state

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


def learning_rate(step: int, config: LoopConfig) -> float:
    """Return the learning rate of a step: linear warm-up, then a cosine down to ``final_lr`` of the peak."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    done = (step - config.warmup) / max(config.steps - config.warmup, 1)
    return config.lr * (config.final_lr + (1.0 - config.final_lr) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0))))


def step_generator(seed: int, step: int, purpose: str = "train") -> torch.Generator:
    """Return a generator that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{step}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def hardware_has_bf16(device: torch.device) -> bool:
    """Tell whether the device multiplies bfloat16 faster than float32 (else it runs at a third of the speed)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    return device.type == "cpu" and ("avx512_bf16" in flags or "amx_bf16" in flags)


def make_optimizer(module: nn.Module, config: LoopConfig) -> torch.optim.AdamW:
    """Return AdamW with weight decay on tensors of two dimensions or more, embeddings and norms left out."""
    trained = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    decayed = [p for name, p in trained if p.ndim >= 2 and "embedding" not in name]
    kept = [p for name, p in trained if p.ndim < 2 or "embedding" in name]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.lr, betas=config.betas, fused=True)


class Run:
    """One training run in a folder that holds its state, its log and its sample grids.

    Args:
        trainee: What is trained.
        config: The loop's settings.
        folder: Where the run lives; a state found there is resumed.
        identity: Digest of all settings and inputs.
        device: Where the trainee's module lies.
        report: Receives progress.
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
        self.device = device
        self.optimizer = make_optimizer(trainee.module, config)
        self.average = WeightAverage(trainee.module, config.average_decay)
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and hardware_has_bf16(device))
        self.step = 0
        self.seconds = 0.0
        self.latest: dict[str, float] = {}
        self.smooth: dict[str, float] = {}
        if (folder / STATE).exists():
            self._resume()

    def _resume(self) -> None:
        self.step, extra = load_state(
            self.folder / STATE,
            module=self.trainee.module,
            optimizer=self.optimizer,
            average=self.average,
            identity=self.identity,
        )
        self.seconds, self.latest, self.smooth = extra["seconds"], extra["latest"], extra.get("smooth", {})
        log = self.folder / LOG
        lines = log.read_text().splitlines() if log.exists() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= self.step]
        log.write_text("".join(line + "\n" for line in kept))

    def save(self) -> None:
        """Write the state; an interrupted run goes on from the last one written."""
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
        with (self.folder / LOG).open("a") as file:
            file.write(json.dumps({"step": self.step, "seconds": round(self.seconds, 1), **figures}) + "\n")

    def _clip(self) -> Tensor:
        """Clip the gradient of each network apart, so that one's outliers do not slow the others; largest norm."""
        networks = [list(network.parameters()) for network in self.trainee.module.children()]
        clipped = {id(p) for network in networks for p in network}
        rest = [p for p in self.trainee.module.parameters() if id(p) not in clipped]
        norms = [nn.utils.clip_grad_norm_(part, self.config.clip) for part in [*networks, rest] if part]
        return torch.stack([norm.to(self.device) for norm in norms]).max()

    def _train_step(self) -> dict[str, float]:
        generator = step_generator(self.config.seed, self.step)
        rate = learning_rate(self.step, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            loss, figures = self.trainee.loss(self.step, generator)
        if not torch.isfinite(loss):
            raise self._diverged("loss", loss)
        loss.backward()
        norm = self._clip()
        if not torch.isfinite(norm):
            raise self._diverged("gradient's norm", norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            self.trainee.after_step(self.step, generator)
        self.step += 1
        self.average.update(self.step)
        return {"loss": float(loss.detach()), "gradient_norm": float(norm), "lr": rate, **figures}

    def _diverged(self, what: str, value: Tensor) -> TrainingError:
        return TrainingError(
            f"the {what} is {float(value.detach())} at step {self.step}; lower lr ({self.config.lr}) or raise warmup "
            f"({self.config.warmup}); the last saved state lies in {self.folder}"
        )

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
            TrainingError: The loss is no longer finite.
            KeyboardInterrupt: Ctrl-C; after the present step was finished and the state saved.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.trainee.module.train()
        with deferred_interrupt() as interrupted:
            while self.step < self.config.steps:
                started = time.perf_counter()
                figures = self._train_step()
                self.smooth = {k: 0.95 * self.smooth.get(k, v) + 0.05 * v for k, v in figures.items()}
                if self._due(50):
                    self._log(self.smooth)
                if self._due(self.config.validate_every) or self._due(self.config.sample_every):
                    self._milestones()
                self.seconds += time.perf_counter() - started
                if self._due(self.config.save_every) or interrupted():
                    self.save()
                self.report(self._progress())
                if interrupted():
                    raise KeyboardInterrupt
        return self.latest

    def _progress(self) -> Progress:
        shown = {k: v for k, v in self.smooth.items() if k not in ("lr", "gradient_norm")}
        shown |= {f"held-out {name}": value for name, value in self.latest.items()}
        note = "  ".join(f"{name} {value:.3g}" for name, value in shown.items())
        return Progress(task="train", done=self.step, total=self.config.steps, unit="steps", note=note)
