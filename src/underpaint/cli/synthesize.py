"""``underpaint synthesize``: a labeled data set of pictures that a model draws."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from underpaint.cli.model_options import add_model_options, model_of
from underpaint.cli.output import Output
from underpaint.core.errors import InputError

if TYPE_CHECKING:
    from underpaint.core.artifact import Manifest

EXAMPLES = """examples:
  underpaint synthesize stickers-64 --prompts wishes.txt --out artifacts/drawn -n 4
  underpaint synthesize stickers-64 --prompts fruit.json --style flat --data artifacts/stickers-64 --out artifacts/fruit

wishes.txt holds a prompt a line; .csv and .jsonl have the columns prompt, style, seed and n; fruit.json is a template
with lists of words: {"template": "{color} {thing}", "color": ["red", "green"], "thing": ["apple", "pear"]}.
The same model, prompts and seeds give the same data set; pictures that were drawn before are not drawn again.
"""
MOST_AT_ONCE = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("model", metavar="MODEL", help="a model's folder or hub id, or the name of a shipped one")
    parser.add_argument("--out", metavar="DIR", required=True, help="the new folder; must not exist yet")
    what = parser.add_argument_group("what to draw")
    what.add_argument(
        "--prompts", metavar="FILE", required=True, help="prompts: .txt (one a line), .csv, .jsonl, or a .json template"
    )
    what.add_argument("--style", metavar="STYLE", help="style of prompts that name none (default: every style)")
    what.add_argument("-n", type=int, default=1, metavar="N", help="pictures per prompt and style (default: 1)")
    what.add_argument("--seed", type=int, metavar="SEED", help="seed of each prompt's first picture (default: 0)")
    what.add_argument("--guidance", type=float, metavar="G", help="pull towards the prompt, 0 to 20")
    what.add_argument("--temperature", type=float, metavar="T", help="factor on the sampling temperatures, 0 to 10")
    what.add_argument("--steps", type=int, metavar="STEPS", help="steps of the refiner or the flow, if it has any")
    what.add_argument(
        "--redraws", type=int, default=3, metavar="R", help="how often a blank picture is drawn again (default: 3)"
    )
    papers = parser.add_argument_group("what goes along")
    papers.add_argument(
        "--data",
        metavar="DIR",
        help="the data set the model has learnt from: its held-out captions stay held out, nearness to it is measured",
    )
    papers.add_argument("--name", metavar="NAME", help="name of the data set (default: that of the folder)")
    papers.add_argument(
        "--license", default="Apache-2.0", metavar="SPDX", help="license of the pictures (default: Apache-2.0)"
    )
    papers.add_argument("--date", metavar="YYYY-MM-DD", help="date of publication for the card (default: unknown)")
    how = parser.add_argument_group("how to draw it")
    how.add_argument("--device", metavar="DEVICE", help="cpu (default), cuda, ...")
    how.add_argument("--batch-size", type=int, default=8, metavar="B", help="pictures drawn at once (default: 8)")
    how.add_argument(
        "--cache", metavar="DIR", help="folder for drawn pictures (UNDERPAINT_CACHE, else ~/.cache/underpaint)"
    )
    add_model_options(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Plan, draw what is not drawn yet, and write the data set."""
    from pathlib import Path

    from underpaint.pipelines.generator import load_opened
    from underpaint.pipelines.opening import open_model
    from underpaint.pipelines.planning import Options
    from underpaint.stages.data.publication import UNKNOWN_DATE, dataset_name
    from underpaint.stages.data.synthetic.combinations import read_wishes
    from underpaint.stages.data.synthetic.real import open_real
    from underpaint.stages.data.synthetic.run import run as synthesize
    from underpaint.stages.data.synthetic.run import settings_of
    from underpaint.stages.data.synthetic.wishes import plan_wishes

    if not 1 <= args.batch_size <= MOST_AT_ONCE:
        raise InputError(f"--batch-size is {args.batch_size}; give a number from 1 to {MOST_AT_ONCE}")
    output.resume_hint = "run the same command again; the pictures drawn so far are kept"
    out, model = Path(args.out), open_model(model_of(args, args.model))
    options = Options(
        style=args.style,
        seed=args.seed,
        n=args.n,
        guidance=args.guidance,
        temperature=args.temperature,
        steps=args.steps,
    )
    planned = plan_wishes(model, read_wishes(Path(args.prompts)), options)
    config = settings_of(
        model,
        planned,
        dataset_name(out.name, otherwise="synthetic") if args.name is None else args.name,
        redraws=args.redraws,
        license=args.license,
        date=args.date or UNKNOWN_DATE,
    )
    manifest = synthesize(
        config,
        model,
        planned,
        out,
        output.report,
        load=lambda: load_opened(model, device=args.device),
        real=open_real(Path(args.data)) if args.data else None,
        cache=Path(args.cache).expanduser() if args.cache else None,
        batch_size=args.batch_size,
    )
    output.result(describe(out, manifest), {"out": out, "digest": manifest.digest, "figures": manifest.figures})
    return 0


def describe(out: object, manifest: Manifest) -> str:
    """Say in some lines what was drawn."""
    figures = manifest.figures
    splits = [name for name in figures if name.startswith("samples in split ")]
    dropped = ", ".join(f"{rule} {count}" for rule, count in figures["dropped"].items()) or "nothing"
    found = figures["privacy"]
    near = (
        f"{found['flagged']:.1%} ({found['flagged_low']:.1%} to {found['flagged_high']:.1%}) nearer than "
        f"{found['false_alarms']:.0%} of held-out real drawings come"
        if found["applicable"]
        else f"not measured: {found['reason']}"
    )
    lines = [
        f"{out}: {figures['samples']:,} synthetic pictures of {figures['asked_for']:,} asked for, "
        f"{figures['captions']:,} captions, license {figures['license']}",
        "  " + ", ".join(f"{name.removeprefix('samples in split ')} {figures[name]:,}" for name in splits),
        f"  left out: {dropped} (audit.json lists each)",
        f"  nearness to training pictures: {near}",
        *(f"  attribution needed, on weights too: {words}" for words in figures.get("credits", ())),
        f"  digest {manifest.digest}",
        f"  look at {out}/contact_sheet.png; read {out}/DATASHEET.md",
    ]
    return "\n".join(lines)
