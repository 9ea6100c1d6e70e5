"""A process of its own: dlt's filesystem source into a new DuckDB file, the run timed."""

import json
import os
import sys
import time

request = json.loads(sys.argv[1])
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DLT_DATA_DIR"] = os.path.join(request["dir"], "dlt")

import dlt
from dlt.sources.filesystem import filesystem, read_jsonl, read_parquet

database = os.path.join(request["dir"], "loaded.duckdb")
pipeline = dlt.pipeline(
    pipeline_name="bench",
    pipelines_dir=os.path.join(request["dir"], "pipelines"),
    destination=dlt.destinations.duckdb(database),
    dataset_name="bench",
)
files = filesystem(bucket_url=request["store"], file_glob=request["glob"])
reader = read_jsonl() if request["format"] == "jsonl" else read_parquet(use_pyarrow=True)
began = time.monotonic()
pipeline.run((files | reader).with_name("records"))
seconds = time.monotonic() - began
with pipeline.sql_client() as client:
    rows = client.execute_sql("SELECT count(*) FROM records")[0][0]
print(json.dumps({"seconds": seconds, "rows": rows}))
