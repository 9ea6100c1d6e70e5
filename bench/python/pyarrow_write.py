"""A process of its own: pyarrow parses what comes on standard input and writes one Parquet object."""

import json
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
from airbyte_lines import arrow_batches, arrow_schema
from pyarrow import fs

request = json.loads(sys.argv[1])
pa.set_cpu_count(request["threads"])
server = request["server"]
scheme, _, host = server["url"].partition("://")
began = time.monotonic()
store = fs.S3FileSystem(
    access_key=server["access_key_id"],
    secret_key=server["secret_access_key"],
    endpoint_override=host,
    scheme=scheme,
    region="us-east-1",
    force_virtual_addressing=False,
)
path = f"{request['bucket']}/records/part-0.parquet"
with pq.ParquetWriter(path, arrow_schema(request["schema"]), filesystem=store, compression="snappy") as writer:
    for batch in arrow_batches(request["schema"]):
        writer.write_batch(batch)
print(json.dumps({"seconds": time.monotonic() - began}))
