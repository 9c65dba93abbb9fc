"""A process of its own that loads a model and draws what it is told, for one engine at a time in a process.

    python -m underpaint.stages.optimize.search.worker

It reads one JSON object a line and answers each with one line: pictures as a file of NumPy, or times and memory. Thread
pools of several engines in one process wait for each other, so candidates are never timed there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from underpaint.core.errors import UnderpaintError

if TYPE_CHECKING:
    from underpaint.pipelines.generator import Generator


def load(told: dict[str, Any]) -> Generator:
    """Load the model that the first line names."""
    from underpaint.pipelines.generator import load_opened
    from underpaint.pipelines.opening import open_model

    return load_opened(open_model(told["model"]), device=told["device"], threads=told["threads"])


def draw(generator: Generator, told: dict[str, Any]) -> dict[str, Any]:
    """Draw requests one by one into a file ``[N, H, W, 4]`` uint8."""
    import numpy as np

    from underpaint.pipelines.settings import DrawRequest

    requests = [DrawRequest(**one) for one in told["requests"]]
    pixels = np.stack([generator.pipeline.draw([request])[0] for request in requests])
    np.save(Path(told["to"]), pixels)
    return {"drawn": len(requests)}


def timed(generator: Generator, told: dict[str, Any]) -> dict[str, Any]:
    """Draw one request and tell wall and processor time in milliseconds."""
    from underpaint.pipelines.settings import DrawRequest

    request = DrawRequest(**told["request"])
    wall, cpu = time.perf_counter(), time.process_time()
    generator.pipeline.draw([request])
    _wait(generator)
    return {"wall_ms": (time.perf_counter() - wall) * 1e3, "cpu_ms": (time.process_time() - cpu) * 1e3}


def _wait(generator: Generator) -> None:
    """Wait for the device of networks in torch."""
    device = getattr(generator.pipeline, "device", None)
    if device is not None and device.type == "cuda":
        from underpaint.runtime.timing import synchronize

        synchronize(device)


def memory(generator: Generator, told: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Tell the most memory that this process held, in bytes."""
    from underpaint.runtime.memory import resident

    return {"peak": resident().peak}


ORDERS = {"draw": draw, "time": timed, "memory": memory}


def serve(lines: BinaryIO, answers: BinaryIO) -> None:
    """Answer every line; an error that tells what is wrong is an answer too.

    Args:
        lines: What is asked.
        answers: Where answers go.
    """
    generator = None
    for line in lines:
        told = json.loads(line)
        try:
            if generator is None:
                generator = load(told)
                answer: dict[str, Any] = {"loaded": True}
            else:
                answer = ORDERS[told["do"]](generator, told)
        except UnderpaintError as error:
            answer = {"error": str(error)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def main() -> None:
    """Keep the answers apart from whatever libraries print."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
