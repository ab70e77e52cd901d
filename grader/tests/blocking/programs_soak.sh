#!/bin/sh
# programs_soak.sh - programs.py with what takes longer. The trap it exists for: a test suite that ends otherwise while it is watched.
exec grader/tests/blocking/programs.py --soak
