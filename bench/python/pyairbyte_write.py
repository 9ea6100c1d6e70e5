"""A process of its own: PyAirbyte reads a source into its DuckDB cache, and pyarrow writes that as Parquet."""

import json
import os
import shlex
import sys
import time

request = json.loads(sys.argv[1])
# No telemetry, and no look into the registry of connectors for one that is a file here.
os.environ["AIRBYTE_OFFLINE_MODE"] = "1"

import airbyte as ab
import pyarrow.parquet as pq
from pyarrow import fs

server = request["server"]
stream = {
    "name": request["stream"],
    "json_schema": request["schema"],
    "supported_sync_modes": ["full_refresh"],
}
messages = {
    "spec": {"type": "SPEC", "spec": {"connectionSpecification": {"type": "object", "properties": {}}}},
    "check": {"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}},
    "discover": {"type": "CATALOG", "catalog": {"streams": [stream]}},
}
# A source that has the records at hand.
program = os.path.join(request["dir"], "source-file")
with open(program, "w") as script:
    script.write('#!/bin/sh\ncase "$1" in\n')
    for word, message in messages.items():
        script.write(f"{word}) printf '%s\\n' {shlex.quote(json.dumps(message))} ;;\n")
    script.write(f"read) exec cat {shlex.quote(request['records'])} ;;\nesac\n")
os.chmod(program, 0o755)

began = time.monotonic()
source = ab.get_source("source-file", config={}, local_executable=program)
source.select_streams([stream["name"]])
cache = ab.caches.DuckDBCache(
    db_path=os.path.join(request["dir"], "cache.duckdb"), cache_dir=os.path.join(request["dir"], "cache")
)
result = source.read(cache=cache, force_full_refresh=True)
cached = time.monotonic()
scheme, _, host = server["url"].partition("://")
store = fs.S3FileSystem(
    access_key=server["access_key_id"],
    secret_key=server["secret_access_key"],
    endpoint_override=host,
    scheme=scheme,
    region="us-east-1",
    force_virtual_addressing=False,
)
dataset = result[stream["name"]].to_arrow()
path = f"{request['bucket']}/records/part-0.parquet"
with pq.ParquetWriter(path, dataset.schema, filesystem=store, compression="snappy") as writer:
    for batch in dataset.to_batches():
        writer.write_batch(batch)
print()
print(json.dumps({"seconds": time.monotonic() - began, "cache_seconds": cached - began}))
