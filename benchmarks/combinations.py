"""Can a model draw combinations it was never shown? The hybrid beside retrieval, diffusion and real drawings.

Retrieval returns the training picture of the style asked for whose caption is nearest, by the mean of the text table's
word vectors with their frequency weights: it knows the words and draws perfectly, but nothing new. Every subject gets
the held-out combinations of the ``standard`` suite, and matching combinations that training showed. Numbers and paired
differences are those of ``underpaint evaluate`` and ``compare``; what is done already is not done again.

    python benchmarks/combinations.py --model stickers-64 --rival artifacts/family/flow-pipeline --work DIR
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import print_table, write_document
from numpy.typing import NDArray
from side_by_side import Line, delta_text, differences, evaluate_once, interval_text, numbers, shown_number

from underpaint.core.config import digest_of
from underpaint.core.errors import InputError, MetricError
from underpaint.metrics.estimate import Estimate, normal_quantile
from underpaint.metrics.interval import proportion
from underpaint.models.text_encoder import TextEncoder
from underpaint.models.text_tokenizer import TextTokenizer
from underpaint.pipelines.text_to_picture import TextToPicture
from underpaint.stages.evaluate.comparing.evaluated import Evaluated, read_evaluation
from underpaint.stages.evaluate.comparing.pairing import difference_of
from underpaint.stages.evaluate.config import EvaluateConfig
from underpaint.stages.evaluate.drawing.pictures import Pixels, Real, real_pictures
from underpaint.stages.evaluate.drawing.subjects import CallableSubject, ModelSubject, open_subject
from underpaint.stages.evaluate.drawing.wishes import Wish, prompt_id_of
from underpaint.stages.evaluate.opening import open_data
from underpaint.stages.evaluate.record import Measurement
from underpaint.stages.evaluate.seeing.sets import DataSet

CONFIG = EvaluateConfig(
    suite="combinations",
    main=64,
    composition=368,
    null_sets=0,
    known_bad=(),
    extractors=("evaluator-64",),
    novelty=False,
)
HEADS = tuple(f"{head}_accuracy" for head in ("concept", "tone", "gender", "color", "direction"))
METRICS = ("r_precision", "composition_accuracy", "attribute_accuracy", *HEADS, "composition_gap")
LEVELS = "level="
HYBRID, RETRIEVAL, DIFFUSION, REAL = "hybrid", "retrieval", "diffusion", "real drawings"


def caption_vectors(tokenizer: TextTokenizer, encoder: TextEncoder, captions: Sequence[str]) -> NDArray[np.float32]:
    """Return the weighted mean of each caption's word vectors, of length 1: ``[N, D]``."""
    ids, mask = (torch.from_numpy(part) for part in tokenizer.encode_batch(captions, encoder.config.max_tokens))
    weight = (encoder.weight[ids] * mask)[..., None]  # [N, T, 1]
    mean = (encoder.table[ids].to(torch.float32) * weight).sum(dim=1) / weight.sum(dim=1)  # [N, D]
    return torch.nn.functional.normalize(mean, dim=1).numpy()


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """A function that draws by looking up the training picture with the nearest caption.

    Args:
        training: The training pictures.
        vectors: ``[M, D]`` of their captions.
        read: Captions to ``[N, D]``.
    """

    training: Sequence[Real]
    vectors: NDArray[np.float32]
    read: Callable[[Sequence[str]], NDArray[np.float32]]

    def find(self, wish: Wish) -> Real:
        """Return the training picture for a wish; among equally near ones the first of the data set."""
        likeness = self.vectors @ self.read([wish.prompt])[0]
        styles = np.array([wish.style in (None, picture.sample.style) for picture in self.training])
        return self.training[int(np.argmax(np.where(styles, likeness, -np.inf)))]

    def __call__(self, wishes: Sequence[Wish]) -> list[Pixels]:
        """Return a picture a wish."""
        return [self.find(wish).load() for wish in wishes]


def retrieval(data: DataSet, model: ModelSubject) -> CallableSubject:
    """Return retrieval by the text table of a model."""
    pipeline = model.generator.pipeline
    if not isinstance(pipeline, TextToPicture):
        raise InputError(f"{model.model.name} has no text table to search by; give a model of underpaint's own with -m")
    tokenizer, encoder = pipeline.text_tokenizer, pipeline.text_encoder

    def read(captions: Sequence[str]) -> NDArray[np.float32]:
        return caption_vectors(tokenizer, encoder, captions)

    training = data.training
    vectors = read([picture.sample.caption for picture in training])
    digest = digest_of([data.digest, model.model.part("text_encoder", "model.safetensors")[1]])
    function = Retrieval(training=training, vectors=vectors, read=read)
    return CallableSubject(function=function, name=RETRIEVAL, digest=digest)


def real_drawings(data: DataSet) -> CallableSubject:
    """Return the real drawings of the wishes as a subject: what the judge says of a perfect model."""

    def draw(wishes: Sequence[Wish]) -> list[Pixels]:
        samples = [wish.sample for wish in wishes if wish.sample is not None]
        return [picture.load() for picture in real_pictures(data.folder, samples)]

    return CallableSubject(function=draw, name=REAL, digest=data.digest)


def alignment(evaluated: Evaluated) -> Measurement:
    """Return the share of new combinations whose own caption comes first among a hundred."""
    return next(number for number in evaluated.report.metrics if number.metric == "r_precision" and not number.group)


def sliced(evaluated: Evaluated, levels: dict[str, str], level: str) -> tuple[Estimate, list[str], list[str]]:
    """Return the alignment on one family of combinations, its prompts and its concepts.

    Args:
        evaluated: An evaluation.
        levels: Prompt id to family.
        level: The family.

    Raises:
        MetricError: There are too few prompts.
    """
    whole = alignment(evaluated)
    if whole.value is None:
        raise MetricError(f"no alignment on all combinations: {whole.message}")
    estimate, rows = evaluated.estimate(whole), evaluated.rows(whole)
    assert estimate.influence is not None
    assert rows is not None
    kept = [row for row, picture in enumerate(rows) if levels[picture.prompt_id] == level]
    hits = np.rint(estimate.influence[kept] + estimate.value)
    prompts = [rows[row].prompt_id for row in kept]
    return proportion(hits, prompts), prompts, [rows[row].cluster for row in kept]


def alignment_by_level(folder: Path, levels: dict[str, str]) -> list[Line]:
    """Return the alignment on each family that has enough prompts."""
    evaluated, lines = read_evaluation(folder), []
    whole = alignment(evaluated)
    for level in sorted(set(levels.values())):
        try:
            found, _, _ = sliced(evaluated, levels, level)
        except MetricError:
            continue
        number = whole.model_copy(
            update={"group": LEVELS + level, "value": found.value, "n": found.n, "ceiling": None, "interval": None}
        )
        interval = found.interval
        ends = {"low": interval and interval.low, "high": interval and interval.high}
        lines.append({**shown_number(number), **ends, "clusters": found.num_clusters})
    return lines


def alignment_differences(candidate: Path, baseline: Path, levels: dict[str, str]) -> list[Line]:
    """Return candidate minus baseline on each family, paired picture by picture, errors summed within a concept."""
    first, second, lines = read_evaluation(candidate), read_evaluation(baseline), []
    for level in sorted(set(levels.values())):
        try:
            (ours, prompts, concepts), (theirs, others, _) = (sliced(side, levels, level) for side in (first, second))
        except MetricError:
            continue
        assert prompts == others
        found = difference_of(ours, theirs, clusters=(concepts, concepts))
        reach = normal_quantile(0.975) * found.se
        lines.append(
            {
                "metric": "r_precision",
                "group": LEVELS + level,
                "baseline": theirs.value,
                "candidate": ours.value,
                "delta": found.delta,
                "delta_low": found.delta - reach,
                "delta_high": found.delta + reach,
                "n": found.n,
            }
        )
    return lines


def levels_of(data: DataSet) -> dict[str, str]:
    """Return prompt id to family of combination."""
    return {prompt_id_of(sample): sample.level for sample in data.samples if sample.split == "test_composition"}


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Evaluate every subject and take the differences."""
    config = CONFIG.model_copy(update={"composition": args.count})
    data = open_data(args.data, config)
    hybrid = open_subject(args.model)
    subjects: dict[str, ModelSubject | CallableSubject] = {HYBRID: hybrid, RETRIEVAL: retrieval(data, hybrid)}
    if args.rival:
        subjects[DIFFUSION] = open_subject(args.rival)
    subjects[REAL] = real_drawings(data)
    folders = {name: evaluate_once(name, subject, config, data, args.work) for name, subject in subjects.items()}
    levels = levels_of(data)
    return {
        "data": data.digest,
        "models": {name: subject.record().identity for name, subject in subjects.items()},
        "combinations": args.count,
        "numbers": {
            name: numbers(folder, METRICS, LEVELS) + alignment_by_level(folder, levels)
            for name, folder in folders.items()
        },
        "hybrid_minus": {
            name: differences(folders[HYBRID], folder, METRICS, LEVELS)
            + alignment_differences(folders[HYBRID], folder, levels)
            for name, folder in folders.items()
            if name != HYBRID
        },
    }


def show(title: str, part: dict[str, list[Line]], text: Callable[[Line], str]) -> None:
    """Print a table with a column a subject."""
    tables = {name: {(line["metric"], line["group"]): line for line in lines} for name, lines in part.items()}
    keys = dict.fromkeys(key for lines in tables.values() for key in lines)
    rows = [[" ".join(key), *(text(t[key]) if key in t else "-" for t in tables.values())] for key in keys]
    print_table([title, *tables], rows)
    print()


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-m", "--model", help="the hybrid model; the shipped one if left out")
    parser.add_argument("--rival", help="folder of the diffusion model; none if left out")
    parser.add_argument("--data", type=Path, default=Path("artifacts/stickers-64"))
    parser.add_argument("--work", type=Path, required=True, help="folder of the evaluations, kept for the next time")
    parser.add_argument("--count", type=int, default=CONFIG.composition, help="combinations")
    parser.add_argument("--json", type=Path, default=Path(__file__).parent / "results" / "combinations.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print tables, write JSON."""
    args = parse()
    args.work.mkdir(parents=True, exist_ok=True)
    found = measure(args)
    show("number", found["numbers"], interval_text)
    show("hybrid minus", found["hybrid_minus"], delta_text)
    write_document(args.json, "combinations", **found)


if __name__ == "__main__":
    main()
