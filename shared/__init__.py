"""What the functions share: rules, and the adapters that do the work."""

import os

VERSION = "0.1.0"

# Libraries read these when they are imported; this runs before anything of `shared` imports one.
#
# onnxruntime gives the machine an identifier, which it keeps in the home folder, and reports to its
# maker what it runs. Whoever is trusted with photos of people reports nothing, so no other value
# is taken: it could only come from a profile or a base image that did not think of this service.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# Threads of numpy's own would spin beside onnxruntime's: every photo after a search took a tenth
# longer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
