"""Fill a disk that is as full as ``RLIMIT_FSIZE`` says, free it again, and print what was accepted when."""

from __future__ import annotations

import json
import resource
import sys

from underpaint.core.errors import StorageError
from underpaint.stages.serve.queue.job import Submission
from underpaint.stages.serve.queue.queue import open_queue

place, limit = sys.argv[1], int(sys.argv[2])
queue = open_queue(place)
before, message = [], ""
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
while not message:
    try:
        before.append(queue.submit(Submission(owner="ann", request={"text": "x" * 5000}))[0].id)
    except StorageError as error:
        message = str(error)
seen = [job.id for job in queue.jobs(limit=1000)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
after = queue.submit(Submission(owner="ann", request={}))[0].id
queue.close()
json.dump({"before": before, "seen": seen, "after": after, "message": message}, sys.stdout)
