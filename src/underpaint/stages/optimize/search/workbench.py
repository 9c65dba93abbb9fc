"""Rungs 0 to 2: refused or unsound, as bad as known-bad weights at a glance, beyond what is bearable or not faster.

They only discard. Each rung costs more than the one before: a few pictures, a glance, all the search's captions, times.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from underpaint.core.artifact import storage_errors
from underpaint.core.errors import EngineLost, OptimizationRefused, StorageError, UnderpaintError
from underpaint.core.optimization import OptimizationRecipe
from underpaint.core.progress import Progress, Report
from underpaint.pipelines.model_folder import Model
from underpaint.pipelines.opening import open_model
from underpaint.pipelines.settings import DrawRequest
from underpaint.runtime.clock import Clock, SystemClock
from underpaint.stages.optimize.search.bench import Examined
from underpaint.stages.optimize.search.config import SearchConfig
from underpaint.stages.optimize.search.drawing import CandidateFailed, Drawing, KeptDrawing, Pixels
from underpaint.stages.optimize.search.entrants import Runner, disk_mb, runner_of, that_fit
from underpaint.stages.optimize.search.making import Workshop
from underpaint.stages.optimize.search.making_time import limit_s, too_long, watched
from underpaint.stages.optimize.search.quality import Eyes, Looks, as_bad, limits_of, loss_of, unsound
from underpaint.stages.optimize.search.race_time import RaceTime
from underpaint.stages.optimize.search.racing import Course, race
from underpaint.stages.optimize.search.record import Base, Cost, Limit, Quality, Raced, Reason, Trial
from underpaint.stages.optimize.search.space import Space
from underpaint.stages.optimize.search.timing import WARM_UPS, cost_of
from underpaint.stages.optimize.search.unchanged import Made, insist_on, made_in

PACED = 5
"""Pictures that tell about how long one takes, before anything is measured."""
SOUND = 2
"""Pictures that show whether a candidate is sound."""
SLOWER = 10.0
"""How many times slower than the model before a candidate may be before it is ended."""
ALLOWED_S = 120.0


@dataclass(kw_only=True)
class Workbench:
    """Looks at recipes of one model on this machine.

    Args:
        config: Settings.
        model: The model before.
        workshop: Makes candidates.
        space: What may be varied.
        host_class: Class of this machine.
        device: Where models run.
        eyes: What looks at pictures.
        requests: The search's captions, one picture each.
        others: The same with other seeds.
        rivals: Exports that the best candidates are timed beside.
        clock: What time is read from.
    """

    config: SearchConfig
    model: Model
    workshop: Workshop
    space: Space
    host_class: str
    device: str
    eyes: Eyes
    requests: Sequence[DrawRequest]
    others: Sequence[DrawRequest]
    rivals: Sequence[Model] = ()
    clock: Clock = field(default_factory=SystemClock)
    _base: Drawing | None = field(default=None)
    _looks: dict[int, Looks] = field(default_factory=dict)

    def close(self) -> None:
        """End the process of the model before."""
        if self._base is not None:
            self._base.close()
            self._base = None

    @property
    def drawing(self) -> Drawing:
        """The model before, in its process."""
        if self._base is None:
            self._base = KeptDrawing(self.model.address, device=self.device, threads=self.config.threads)
        return self._base

    def picture_s(self, report: Report) -> float:
        """Return about how long a picture of the model before takes, in seconds: the median of a few.

        Raises:
            EngineLost: It cannot be drawn with.
        """
        report(Progress(task="time a few pictures of the model before", done=0))
        times = [self.drawing.time(request, ALLOWED_S)[0] for request in self.requests[: WARM_UPS + PACED]]
        return float(np.median(times[WARM_UPS:])) / 1000

    def base(self, report: Report) -> Base:
        """Measure the model before, and how far chance and known-bad weights move the numbers.

        Raises:
            EngineLost: It cannot be drawn with.
        """
        report(Progress(task="draw with the model before", done=0, total=3, unit="sets"))
        own = self._base_looks(len(self.requests))
        report(Progress(task="draw with other seeds", done=1, total=3, unit="sets"))
        null = self.eyes.look(self.drawing.draw(self.others, self._limit_s(len(self.others))))
        report(Progress(task="draw with weights of 3 bits", done=2, total=3, unit="sets"))
        bad = np.stack(self.workshop.bad().draw(list(self.requests)))
        worse = self.eyes.changes(self.eyes.look(bad), own)
        glance = self.eyes.changes(self.eyes.look(bad[: self.config.glance]), self._base_looks(self.config.glance))
        times = np.array([self.drawing.time(request, ALLOWED_S) for request in self.requests[: self.config.pairs]])
        wall_ms, cpu_ms = np.median(times, axis=0).tolist()
        with KeptDrawing(self.model.address, device=self.device, threads=self.config.threads) as another:
            loading_s = another.loading_s
        return Base(
            latency_ms=wall_ms,
            cpu_ms=cpu_ms,
            peak_rss_mb=self.drawing.peak_mb(),
            disk_mb=disk_mb(self.model),
            values={self.eyes.named(name): value for name, value in own.values.items()},
            limits=limits_of(self.eyes.changes(null, own), worse, glance),
            loading_s=loading_s,
            seconds=0.0,
        )

    def _base_looks(self, count: int) -> Looks:
        if count not in self._looks:
            if count == len(self.requests):
                self._looks[count] = self.eyes.look(self._base_pixels())
            else:
                self._looks[count] = self.eyes.look(self._base_pixels()[:count])
        return self._looks[count]

    def _base_pixels(self) -> Pixels:
        """Return the pictures of the model before, from a file if they were drawn already."""
        path = self.workshop.folder / "base.npy"
        if not path.is_file():
            pixels = self.drawing.draw(self.requests, self._limit_s(len(self.requests)))
            whole = path.with_suffix(".partial.npy")
            np.save(whole, pixels)
            whole.rename(path)
        return np.load(path)

    def _limit_s(self, count: int, latency_ms: float | None = None) -> float:
        """Return the longest time for so many pictures."""
        return ALLOWED_S + count * (60.0 if latency_ms is None else SLOWER * latency_ms / 1000)

    def candidate(self, recipe: OptimizationRecipe, report: Report) -> Made:
        """Return a candidate whose files were all compared with its manifest, made again if it is not there."""
        return made_in(self.workshop.candidate(recipe, report))

    def race(self, runners: Sequence[Trial], base: Base, allowed: RaceTime, report: Report) -> Raced:
        """Time some candidates, all rivals and the model before in turn, as many candidates as memory holds.

        When no time is left it ends with the starts it has, before the first one too. Making a candidate again that is
        not there is not cut short, since the judge needs it as well.

        Raises:
            ArtifactError: A candidate is not what it was when it was looked at.
            EngineLost: The model before cannot be drawn with.
        """
        if not runners and not self.rivals:
            return Raced()
        began = self.clock.now()
        candidates = [self._runner(trial, report) for trial in that_fit(runners)]
        rivals = [runner_of(rival, self.device) for rival in self.rivals]
        course = Course(
            requests=self.requests,
            starts=self.config.starts,
            rounds=self.config.rounds,
            threads=self.config.threads,
            seed=self.config.seed,
            loss=lambda drawing, left_s: self._loss(drawing, base, left_s),
            clock=self.clock,
            until_s=lambda picture_ms: began + allowed.seconds(picture_ms),
        )
        self.close()
        return race(runner_of(self.model, self.device), candidates, rivals, course, report)

    def _runner(self, trial: Trial, report: Report) -> Runner:
        made = self.candidate(trial.recipe, report)
        insist_on(trial.candidate, made, f"was looked at as {trial.id}")
        return runner_of(open_model(made.folder), self.device, name=trial.id)

    def _loss(self, drawing: Drawing, base: Base, left_s: float) -> float:
        """Return what a model loses against the one before on the search's captions."""
        limit_s = min(left_s, self._limit_s(len(self.requests), base.latency_ms))
        pixels = drawing.draw(self.requests, limit_s)
        return loss_of(self.eyes.changes(self.eyes.look(pixels), self._base_looks(len(pixels))), base.limits)

    def examine(self, recipe: OptimizationRecipe, base: Base, seconds_left: float, report: Report) -> Examined:
        """Look at a recipe; see the module's docstring.

        Raises:
            EngineLost: The process of the model before ended, and another one did too.
            StorageError: The candidate cannot be written.
        """
        if reason := too_long(recipe, base, seconds_left):
            return Examined(rung=0, state="infeasible", reason=reason)
        try:
            made = self.candidate(recipe, watched(report, limit_s(seconds_left), self.clock))
        except CandidateFailed as error:
            return Examined(rung=0, state="killed", reason=Reason(code="budget.time", text=str(error)))
        except StorageError:
            raise
        except OptimizationRefused as error:
            return Examined(rung=0, state="refused", reason=Reason(code=error.code, text=str(error)))
        except UnderpaintError as error:
            return Examined(rung=0, state="failed", reason=Reason(code="make.failed", text=str(error)))
        examined = self._again(made.folder, base)
        if examined.state != "feasible":
            _remove(made.folder)
        return replace(examined, candidate=made.digest)

    def _again(self, folder: Path, base: Base) -> Examined:
        """Look at a candidate, and once more if the model before was lost meanwhile, which is no candidate's fault."""
        try:
            return self._drawn(folder, base)
        except EngineLost:
            self.close()
            return self._drawn(folder, base)

    def _drawn(self, folder: Path, base: Base) -> Examined:
        try:
            with Drawing(folder, device=self.device, threads=self.config.threads) as drawing:
                return self._rungs(drawing, folder, base)
        except CandidateFailed as error:
            state = "killed" if error.killed else "failed"
            return Examined(rung=0, state=state, reason=Reason(code=f"draw.{state}", text=str(error)))

    def _rungs(self, drawing: Drawing, folder: Path, base: Base) -> Examined:
        few = self.requests[:SOUND]
        first, again = (drawing.draw(few, self._limit_s(SOUND, base.latency_ms)) for _ in range(2))
        if why := unsound(first, again, self.space.capabilities.size):
            return Examined(rung=0, state="failed", reason=Reason(code="draw.unsound", text=why))
        glance = drawing.draw(self.requests[: self.config.glance], self._limit_s(self.config.glance, base.latency_ms))
        changes = self.eyes.changes(self.eyes.look(glance), self._base_looks(self.config.glance))
        loss = loss_of(changes, base.limits)
        cost = cost_of(
            drawing, self.drawing, self.requests, self.config.pairs, disk_mb(open_model(folder)), self.config.seed
        )
        if as_bad(changes, base.limits):
            text = f"its first {self.config.glance} pictures are as bad as those of weights of 3 bits"
            reason = Reason(code="quality.known_bad", text=text)
            return Examined(rung=1, state="rejected", reason=reason, cost=cost, quality=changes, loss=loss)
        if not cost.may_save(self.config.gain):
            reason = Reason(code="cost.no_gain", text=_no_gain(cost))
            return Examined(rung=1, state="dominated", reason=reason, cost=cost, quality=changes, loss=loss)
        rest = drawing.draw(self.requests[len(glance) :], self._limit_s(len(self.requests), base.latency_ms))
        return self._compared(np.concatenate([glance, rest]), cost, base.limits)

    def _compared(self, pixels: Pixels, cost: Cost, limits: dict[str, Limit]) -> Examined:
        """Compare all pictures of the search's captions."""
        changes = self.eyes.changes(self.eyes.look(pixels), self._base_looks(len(pixels)))
        loss = loss_of(changes, limits)
        reason = _beyond(changes, limits)
        state = "feasible" if reason is None else "rejected"
        return Examined(rung=2, state=state, reason=reason, cost=cost, quality=changes, loss=loss)


def _remove(folder: Path) -> None:
    """Remove a candidate; what an interruption leaves of it has another name, so that it is made anew."""
    gone = folder.with_name(f".{folder.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    with storage_errors(folder):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _no_gain(cost: Cost) -> str:
    (wall, *_), (cpu, *_) = cost.latency_ratio, cost.cpu_ratio
    return f"it saves no time: {wall:.2f} of the model before by the wall clock, {cpu:.2f} of its processor time"


def _beyond(changes: dict[str, Quality], limits: dict[str, Limit]) -> Reason | None:
    """Say which metric changes more than is bearable."""
    for name, change in changes.items():
        if change[0] > limits[name].limit:
            text = (
                f"{name} is worse by {change[0]:.4g} on the search's captions, and {limits[name].limit:.4g} is bearable"
            )
            return Reason(code="quality.beyond_margin", text=text)
    return None
