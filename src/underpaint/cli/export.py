"""``underpaint export``: make a model folder whose networks run without torch."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from underpaint.pipelines.model_folder import Model

EXAMPLES = """examples:
  underpaint export artifacts/nano --out artifacts/nano-onnx
  underpaint export artifacts/nano --engine openvino --out artifacts/nano-openvino
  underpaint export artifacts/nano --engine openvino --int8 --prompts wishes.txt --out artifacts/nano-int8
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
        "--prompts",
        metavar="FILE",
        help="prompts to calibrate 8 bits with, as generate reads them (default: our own)",
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
    _check_engine(args)
    output.report(Progress(task="load torch and onnx", done=0))
    for package in ("torch", "onnx"):
        require(package, extra="optimize")
    from underpaint.pipelines.editing.planning import check_editable
    from underpaint.stages.optimize.export.config import ExportConfig
    from underpaint.stages.optimize.export.run import export

    if args.prompts and not args.int8:
        raise InputError("--prompts is what 8 bits are calibrated with; add --int8, or leave it out")
    if args.native and args.engine != "onnx":
        raise InputError("--native is for --engine onnx; OpenVINO lays a graph out whenever it loads one: leave it out")
    prompts = read_prompts(Path(args.prompts)) if args.prompts else None
    model = sized(open_model(args.model), args.size)
    config = ExportConfig.parse(
        {
            "engine": args.engine,
            "precision": "int8" if args.int8 else "f32",
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
    if "int8" in found:
        text += f"\n  {told(found['int8'])}\n  {gate_command(args.out, args.model)}"
    output.result(text, {"out": args.out, "digest": manifest.digest, "megabytes": size, "figures": found})
    return 0


def _check_engine(args: argparse.Namespace) -> None:
    """Check that what writes the graph in the end is installed, before seconds go into loading and tracing.

    Raises:
        MissingDependency: It is not.
    """
    from underpaint.adapters.require import check_installed

    if args.engine == "openvino":
        check_installed("openvino", extra="openvino")
        if args.int8:
            check_installed("nncf", extra="calibrate")


def compared(found: dict[str, Any]) -> str:
    """Return in words how the graph's pictures are beside torch's: the same in 32 bits, others in 8, as they should."""
    if "int8" in found:
        return "; it draws pictures of its own for the same seeds, and is for speed, not for a smaller folder"
    return f"; beside torch {found['same_share']:.0%} of {found['pictures']} pictures are the same within one level"


def gate_command(out: str, model: str) -> str:
    """Return the command that says whether a graph draws as well as the model that it was made from."""
    subject = ["underpaint", "gate", out, "--against", model]
    return shlex.join([*subject, "--data", "artifacts/stickers-64", "--policy", "docs/examples/policy-export.yaml"])


def told(found: dict[str, Any]) -> str:
    """Return in words how far a graph of 8 bits is from itself in 32."""
    given_back = f"; back in 32: {', '.join(found['given_back'])}" if found["given_back"] else ""
    return (
        f"8 bits in {len(found['groups'])} groups of layers{given_back}\n  {found['changed_tokens']:.1%} of the tokens "
        f"fall otherwise, {found['levels_with_equal_tokens']:.1f} levels with equal tokens: gate it before you ship it:"
    )


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
