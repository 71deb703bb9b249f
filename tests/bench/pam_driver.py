"""Run pamtester again and again, from inside of a namespace: a line of JSON in for each login, one out.

A small process of its own, so that neither entering the namespace nor a large parent's fork is in the figures.
"""

import json
import os
import subprocess
import sys
import time


def run(argv: list[str], typed: str) -> dict[str, float | str]:
    """Run a command that is typed at; return its status, output, and what it took of CPU and time (ms)."""
    reading, writing = os.pipe()
    os.write(writing, typed.encode("utf-8"))
    os.close(writing)
    start = time.perf_counter()
    process = subprocess.Popen(
        argv, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": os.defpath}
    )
    os.close(reading)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    return {
        "status": process.returncode,
        "output": output.decode("utf-8", "replace"),
        "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000,
        "wall_ms": wall * 1000,
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)
