#!/usr/bin/env python3
"""test_arm64.py - what is loaded into the watched, on aarch64 in an emulator; the watcher is this machine's. Speaks TAP.

The emulator knows neither perf nor restartable sequences: what is tried is the third tier, the wrappers and what is in assembly.
It sleeps where the program does not, so only what must be there is asked for. The trap it exists for: branches of #if that
nobody has ever compiled."""
import json, os, subprocess, sys, tempfile

BLOCKWATCH = "build/bin/blockwatch"
BUILT = os.path.abspath("build/arm64")
EMULATOR = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", f"LD_PRELOAD={BUILT}/libblockwatch.so"]
CASES = {"sleep": "nanosleep", "raw": None, "fork": "waitpid", "vfork": "waitpid", "thread": "pthread_join", "jump": "pause",
         "cancel": "pause", "flood": "nanosleep", "close_all": None, "over": None}


def watched(case, folder):
    """(how it ended, the calls in which it slept, whether a loop was seen)"""
    path = os.path.join(folder, case)
    program = f"{BUILT}/grader/tests/blocking/inside_case"
    done = subprocess.run([BLOCKWATCH, "--quiet", "--json", path, "--", *EMULATOR, program, case], capture_output=True, timeout=60)
    with open(path, encoding="utf-8") as f:
        events = [json.loads(line) for line in f]
    calls = {e["call"] for e in events if e["event"] == "site" and e["verdict"] == "BLOCKED"}
    return done.returncode, calls, any(e["event"] == "loop" for e in events)


def main():
    if not os.path.exists(BLOCKWATCH):
        print(f"1..0 # SKIP {BLOCKWATCH} is not built: make blocking-build")
        return 0
    print(f"1..{len(CASES)}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for n, (case, call) in enumerate(CASES.items(), 1):
            status, calls, is_loop = watched(case, folder)
            ok = status == 5 and is_loop and (call is None or call in calls)
            failed += not ok
            print(f"{'ok' if ok else 'not ok'} {n} - {case}: the program ends as ever, and its sleep is named")
            if not ok:
                print(f"# exit status {status}, it slept in {calls}; a loop: {is_loop}")
    return failed > 0


sys.exit(main())
