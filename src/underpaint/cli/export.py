"""``underpaint export``: make a model folder whose networks run without torch."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from underpaint.pipelines.exported_folder import Precision
    from underpaint.pipelines.model_folder import Model

EXAMPLES = """examples:
  underpaint export artifacts/nano --out artifacts/nano-onnx
  underpaint export artifacts/nano --engine openvino --out artifacts/nano-openvino
  underpaint export artifacts/nano --engine openvino --int8 --prompts wishes.txt --out artifacts/nano-int8
  underpaint export artifacts/nano --engine openvino --bf16 --out artifacts/nano-bf16
  underpaint generate "a red apple" -m artifacts/nano-onnx
  underpaint export models/sd --size 512 --engine openvino --out artifacts/sd-openvino
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("model", metavar="MODEL", help="a model's folder, or the name of a shipped one")
    parser.add_argument("--out", metavar="DIR", required=True, help="the new folder; must not exist yet")
    parser.add_argument(
        "--engine", choices=("onnx", "openvino"), default="onnx", help="what shall run the graph (default: onnx)"
    )
    parser.add_argument("--int8", action="store_true", help="8 bits in blocks: faster, other pictures; gate it first")
    parser.add_argument(
        "--bf16",
        action="store_true",
        help="bfloat16 (OpenVINO), faster on processors that multiply it, other pictures; with --int8 for the rest",
    )
    parser.add_argument(
        "--prompts",
        metavar="FILE",
        help="prompts to calibrate or measure --int8 and --bf16 with, as generate reads them (default: our own)",
    )
    parser.add_argument("--size", type=int, metavar="N", help="side of the pictures (default: the model's own)")
    parser.add_argument("--batch", type=int, default=1, metavar="B", help="pictures drawn at once (default: 1)")
    parser.add_argument("--steps", type=int, metavar="STEPS", help="steps of the diffusion part (default: the model's)")
    parser.add_argument(
        "--native", action="store_true", help="for this kind of processor alone (ONNX): a little faster"
    )
    parser.add_argument(
        "--edit", action="store_true", help="a second graph beside it, which edits pictures (hybrid models, 32 bits)"
    )
    parser.add_argument(
        "--share-weights", action="store_true", help="read the weights from the shipped model instead of a copy"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Export, and say what came out and how to use it."""
    from pathlib import Path

    from underpaint.adapters.require import require
    from underpaint.core.artifact import require_new
    from underpaint.core.progress import Progress
    from underpaint.pipelines.opening import open_model
    from underpaint.pipelines.prompts import read_prompts

    require_new(Path(args.out))
    precision = precision_of(args)
    _check_engine(args, precision)
    output.report(Progress(task="load torch and onnx", done=0))
    for package in ("torch", "onnx"):
        require(package, extra=output.extra)
    from underpaint.pipelines.editing.planning import check_editable
    from underpaint.stages.optimize.export.config import ExportConfig
    from underpaint.stages.optimize.export.run import export

    prompts = read_prompts(Path(args.prompts)) if args.prompts else None
    model = sized(open_model(args.model), args.size)
    config = ExportConfig.parse(
        {
            "engine": args.engine,
            "precision": precision,
            "batch": args.batch,
            "steps": args.steps,
            "native": args.native,
            "share_weights": args.share_weights,
            "edit": args.edit,
        },
        source="options",
    )
    if args.edit:
        check_editable(model)
    manifest = export(config, model, Path(args.out), output.report, prompts)
    size = sum(entry.bytes for entry in manifest.files.values()) / 1e6
    found = manifest.figures
    head = f"{args.out}: {size:.1f} MB for {args.engine}, {config.precision}"
    text = f'{head}{compared(found)}\n  try it: underpaint generate "a red apple" -m {args.out}'
    if (fewer := fewer_bits(found)) is not None:
        text += f"\n  {told(precision, fewer)}\n  {gate_command(args.out, args.model)}"
    output.result(text, {"out": args.out, "digest": manifest.digest, "megabytes": size, "figures": found})
    return 0


def precision_of(args: argparse.Namespace) -> Precision:
    """Return the precision that the options ask for, after a look at which of them go together.

    Raises:
        InputError: One of them means nothing with the others.
    """
    others = {"--int8": args.int8, "--bf16": args.bf16, f"--batch {args.batch}": args.batch > 1}
    if args.edit and any(others.values()):
        given = " and ".join(option for option, is_given in others.items() if is_given)
        raise InputError(
            f"--edit writes a graph of 32 bits that draws one picture at once, which does not go with {given}: leave "
            f"{given} out, or leave --edit out"
        )
    if args.bf16 and args.engine != "openvino":
        raise InputError("--bf16 is for --engine openvino, since ONNX Runtime has no products of bfloat16: add it")
    if args.prompts and not (args.int8 or args.bf16):
        raise InputError("--prompts is what --int8 and --bf16 are measured with; add one of them, or leave it out")
    if args.native and args.engine != "onnx":
        raise InputError("--native is for --engine onnx; OpenVINO lays a graph out whenever it loads one: leave it out")
    if args.int8:
        return "int8_bf16" if args.bf16 else "int8"
    return "bf16" if args.bf16 else "f32"


def _check_engine(args: argparse.Namespace, precision: Precision) -> None:
    """Check that what writes the graph in the end is installed, before seconds go into loading and tracing.

    Raises:
        InputError: The processor does not multiply bfloat16.
        MissingDependency: Something is not installed.
    """
    from underpaint.adapters.require import check_installed
    from underpaint.stages.optimize.export.config import check_processor

    check_processor(precision)
    if args.engine == "openvino":
        check_installed("openvino", extra="openvino")
        if args.int8:
            check_installed("nncf", extra="calibrate")


def fewer_bits(found: dict[str, Any]) -> dict[str, Any] | None:
    """Return how far a graph of fewer bits is from itself in 32, as measured; None for one in 32."""
    return found.get("int8", found.get("bf16"))


def compared(found: dict[str, Any]) -> str:
    """Return in words how the graph's pictures are beside torch's: the same in 32 bits, others in fewer."""
    if fewer_bits(found) is not None:
        return "; it draws pictures of its own for the same seeds, and is for speed, not for a smaller folder"
    return f"; beside torch {found['same_share']:.0%} of {found['pictures']} pictures are the same within one level"


def gate_command(out: str, model: str) -> str:
    """Return the command that says whether a graph draws as well as the model that it was made from."""
    subject = ["underpaint", "gate", out, "--against", model]
    return shlex.join([*subject, "--data", "artifacts/stickers-64", "--policy", "docs/examples/policy-export.yaml"])


def told(precision: Precision, found: dict[str, Any]) -> str:
    """Return in words how far a graph of fewer bits is from itself in 32."""
    return (
        f"{_bits(precision, found)}\n  {found['changed_tokens']:.1%} of the tokens fall otherwise, "
        f"{found['levels_with_equal_tokens']:.1f} levels with equal tokens: gate it before you ship it:"
    )


def _bits(precision: Precision, found: dict[str, Any]) -> str:
    """Return in words which products have which bits."""
    if precision == "bf16":
        return "bfloat16 throughout"
    given_back = f"; given back: {', '.join(found['given_back'])}" if found["given_back"] else ""
    rest = ", bfloat16 in the rest" if precision == "int8_bf16" else ""
    return f"8 bits in {len(found['groups'])} groups of layers{rest}{given_back}"


def sized(model: Model, side: int | None) -> Model:
    """Return a model that draws pictures of a size: a pipeline of diffusers can be asked for another than its own.

    Raises:
        InputError: The size is not the model's, and it is one of ours.
    """
    from underpaint.pipelines.diffusers_model import DiffusersModel, resized

    if side is None or model.size == f"{side}x{side}":
        return model
    if isinstance(model, DiffusersModel):
        return resized(model, side)
    raise InputError(
        f"{model.name} draws pictures of {model.index.image_size} pixels a side and cannot be exported for {side}; "
        "leave --size out, or name a model of that size"
    )
