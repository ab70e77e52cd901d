#!/bin/sh
# catalogue_soak.sh - catalogue.py for as long as a soak takes. The trap it exists for: a false alarm in ten thousand.
exec grader/tests/blocking/catalogue.py --soak
