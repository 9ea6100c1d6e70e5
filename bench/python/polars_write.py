"""A process of its own: polars reads the file of records and writes one Parquet object."""

import json
import sys
import time

import polars as pl

request = json.loads(sys.argv[1])
server = request["server"]
TYPES = {"string": pl.String, "integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean}
fields = request["schema"]["properties"]
data = pl.Struct({name: TYPES[next(each for each in field["type"] if each != "null")] for name, field in fields.items()})
times = [name for name, field in fields.items() if field.get("format") == "date-time"]
began = time.monotonic()
(
    pl.scan_ndjson(request["records"], schema={"record": pl.Struct({"data": data})})
    .select(pl.col("record").struct.field("data").struct.unnest())
    .with_columns(pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC"))
    .sink_parquet(
        f"s3://{request['bucket']}/records/part-0.parquet",
        compression="snappy",
        storage_options={
            "aws_access_key_id": server["access_key_id"],
            "aws_secret_access_key": server["secret_access_key"],
            "aws_region": "us-east-1",
            "aws_endpoint_url": server["url"],
            "aws_allow_http": "true",
            "aws_virtual_hosted_style_request": "false",
        },
    )
)
print(json.dumps({"seconds": time.monotonic() - began}))
