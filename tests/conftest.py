"""Tests run offline, on one thread, and leave nothing outside their temporary folders."""

import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["WANDB_MODE"] = "offline"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LGSID_CACHE"] = tempfile.mkdtemp(prefix="lgsid-test-cache-")
os.environ.pop("LGSID_PLUGINS", None)
