"""Wrapped Airbyte records from standard input, for scripts beside this one."""

import sys

import pyarrow as pa
import pyarrow.json as pj

_TYPES = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}


def arrow_schema(json_schema):
    """The fields of a flat JSON schema, in their order."""

    def type_of(field):
        if field.get("format") == "date-time":
            return pa.timestamp("us", "UTC")
        return _TYPES[next(each for each in field["type"] if each != "null")]

    return pa.schema([(name, type_of(field)) for name, field in json_schema["properties"].items()])


def arrow_batches(json_schema):
    """`record.data` of each line, parsed and unwrapped by pyarrow in batches of its own size."""
    schema = arrow_schema(json_schema)
    wrapped = pa.schema([("record", pa.struct([("data", pa.struct(list(schema)))]))])
    reader = pj.open_json(
        pa.PythonFile(sys.stdin.buffer, mode="r"),
        read_options=pj.ReadOptions(block_size=8 << 20),
        parse_options=pj.ParseOptions(explicit_schema=wrapped, unexpected_field_behavior="ignore"),
    )
    for batch in reader:
        yield pa.RecordBatch.from_struct_array(batch["record"].field("data")).cast(schema)
