"""A process of its own: what `datacontract test` does, the test timed."""

import json
import sys
import time

from datacontract.data_contract import DataContract

request = json.loads(sys.argv[1])
began = time.monotonic()
run = DataContract(data_contract_file=request["contract"], server="local").test()
seconds = time.monotonic() - began
# Warnings are checks that it does not make for a format; what fails ends the benchmark.
failed = [f"{check.name}: {check.reason}" for check in run.checks if check.result.value in ("failed", "error")]
if failed or not run.checks:
    sys.exit(f"{run.result}: {failed} {[entry.message for entry in run.logs][-5:]}")
print(json.dumps({"seconds": seconds, "rows": request["rows"], "checks": len(run.checks)}))
