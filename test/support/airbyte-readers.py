"""Reads Avro with fastavro and Parquet with pyarrow: a path on each line in, its rows as JSON on each line out."""

import datetime
import json
import sys
import uuid

import fastavro
import pyarrow.parquet

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def plain(value):
    """Times as microseconds since 1970, dates as days."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, tuple):
        return plain(list(value))
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return (aware - EPOCH) // MICROSECOND
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days
    if isinstance(value, datetime.time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return str(value) if isinstance(value, uuid.UUID) else value


def rows_of(path):
    if path.endswith(".avro"):
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            return {"codec": reader.codec, "rows": [plain(row) for row in reader]}
    file = pyarrow.parquet.ParquetFile(path)
    groups = file.metadata.num_row_groups
    codec = file.metadata.row_group(0).column(0).compression if groups else None
    # Maps come as lists of pairs, which `plain` keeps.
    return {"codec": codec, "rows": [plain(row) for row in file.read().to_pylist()]}


for line in sys.stdin:
    try:
        answer = rows_of(line.rstrip("\n"))
    except Exception as error:  # The test that asked shows it.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
