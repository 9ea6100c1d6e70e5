"""A process of its own: statements in a ClickHouse data folder, one of them timed."""

import json
import sys
import time

from chdb import session

request = json.loads(sys.argv[1])
held = session.Session(request["path"])
held.query(f"SET max_threads = {request['threads']}, max_insert_threads = {request['threads']}")
for sql in request.get("before", []):
    held.query(sql)
began = time.monotonic()
held.query(request["timed"])
seconds = time.monotonic() - began
rows = int(held.query(request["count"], "TSV").bytes())
held.close()
print(json.dumps({"seconds": seconds, "rows": rows}))
