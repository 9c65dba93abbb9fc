"""The application of ``underpaint serve`` with engine processes that sleep; everything else is what is shipped.

Arguments are the port, the folder of its state, and settings as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from underpaint.runtime.heap import keep_heap_small
from underpaint.stages.serve.config import ServeConfig
from underpaint.stages.serve.engine.pool import Pool
from underpaint.stages.serve.http.app import Application
from underpaint.stages.serve.http.logs import set_up_log
from underpaint.stages.serve.http.running import listening, serve

WORKER = (sys.executable, str(Path(__file__).with_name("underpaint_worker.py")))


def main() -> None:
    """Serve until told to stop, with a log as the command writes it."""
    port, state, settings = sys.argv[1:]
    config = ServeConfig(port=int(port), state=Path(state), **json.loads(settings))
    set_up_log(config.log)
    keep_heap_small()
    application = Application(config)
    service = application.backend.service
    service.pool = Pool(service.catalog.by_name, silence_s=config.silence_s, command=WORKER)
    with listening(config) as listener:
        serve(application, listener)


if __name__ == "__main__":
    main()
