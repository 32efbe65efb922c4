"""tools/predict.py and tools/wheel.py cannot be imported without requests, which is not in requirements.txt."""

import importlib
import sys

from evidence import cannot_be_shown, fault, need, verdict

need("tools/wheel.py")
sys.modules["requests"] = None  # as where it is not installed
try:
    wheel = importlib.import_module("tools.wheel")
except ImportError as error:
    fault(error) if "requests" in str(error) else cannot_be_shown(error)
try:
    wheel.download_with_progressbar("http://localhost/x", "x")
except ImportError as error:
    verdict("requests" in str(error), f"without requests it is imported, and does not download: {error}")
fault("it downloads without requests")
