"""``underpaint train`` under the launcher: two real processes make the model that one makes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from safetensors.torch import load_file
from torch.testing import assert_close

from underpaint.core.artifact import MANIFEST, seal, verify
from underpaint.stages.train import tokenizer
from underpaint.stages.train.config import LatentsEncoding
from underpaint.stages.train.recipe import HybridRecipe, Sampling
from underpaint.stages.train.run import run
from underpaint.stages.train.text_table_config import TextTableConfig

PROGRAM = """
import sys
from underpaint.cli.app import main
from underpaint.recipes.table import RECIPES
from underpaint.stages.train.recipe import HybridRecipe

settings, data, out = sys.argv[1:]
RECIPES["tiny-one"] = lambda: HybridRecipe.model_validate_json(settings)
sys.exit(main(["train", "tiny-one", "--data", data, "--out", out, "--threads", "1"]))
"""


@pytest.mark.slow
def test_two_processes_make_the_model_that_one_makes(tokenizer_settings, generator_settings, words, shapes, tmp_path):
    sampling = Sampling(
        guidance=1.5, guidance_shape=(0.5, 1.0, 0.0), temperatures=(1.0, 0.8, 0.5), top_p=0.9, residual_steps=0
    )
    recipe = HybridRecipe(
        image_size=32,
        text_table=TextTableConfig(),
        tokenizer=tokenizer_settings(40),
        latents=LatentsEncoding(variants=2, reach=1),
        generator=generator_settings(8, accumulate=2),
        sampling=sampling,
    )
    one, two = tmp_path / "one", tmp_path / "two"
    shutil.copytree(words, one / "text-table")
    (one / "text-table" / MANIFEST).unlink()
    seal(one / "text-table", kind="text-table", stage="train", config=recipe.text_table, parents={})
    tokenizer.run(recipe.tokenizer, shapes, one / "tokenizer", work=tmp_path / "state", strict=False)
    shutil.copytree(one, two)
    run(recipe, shapes, one, num_threads=1)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(program)]
    command = [*launcher, recipe.model_dump_json(), str(shapes), str(two)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pipeline: done.") == 1
    assert [done.stderr.count(said) for said in ("note: text-table, tokenizer are", "part 4 of 5: generator")] == [1, 1]
    for name in ("latents", "generator", "pipeline"):
        verify(two / name, kind=name)
    for part in ("text_encoder", "transformer", "residual"):
        a, b = (load_file(folder / "generator" / part / "model.safetensors") for folder in (one, two))
        for key in a:
            assert_close(a[key], b[key], rtol=1e-3, atol=1e-5)
    assert not [path for path in two.iterdir() if path.name.startswith(".")]
