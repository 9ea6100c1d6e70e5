"""A process of its own: records from standard input through dlt's filesystem destination, the run timed."""

import json
import os
import sys
import time

request = json.loads(sys.argv[1])
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DLT_DATA_DIR"] = os.path.join(request["dir"], "dlt")

import dlt
import orjson
from airbyte_lines import arrow_batches

BATCH = 10_000
server = request["server"]


def dicts():
    batch = []
    for line in sys.stdin.buffer:
        batch.append(orjson.loads(line)["record"]["data"])
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


pipeline = dlt.pipeline(
    pipeline_name="bench",
    pipelines_dir=os.path.join(request["dir"], "pipelines"),
    destination=dlt.destinations.filesystem(
        bucket_url=f"s3://{request['bucket']}",
        credentials={
            "aws_access_key_id": server["access_key_id"],
            "aws_secret_access_key": server["secret_access_key"],
            "endpoint_url": server["url"],
            "region_name": "us-east-1",
        },
    ),
    dataset_name="bench",
)
read = (lambda: arrow_batches(request["schema"])) if request["arrow"] else dicts
records = dlt.resource(read, name="records", write_disposition="append")
began = time.monotonic()
pipeline.run(records(), loader_file_format=request["format"])
print(json.dumps({"seconds": time.monotonic() - began}))
