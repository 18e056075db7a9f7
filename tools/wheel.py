"""What the wheel depends on: the requirements of a machine without a GPU, which run everywhere."""

import subprocess
import sys
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface
from typing_extensions import override

_FILES = ("requirements.txt", "requirements-models.txt")


class WheelDependencies(MetadataHookInterface):
    """Reads the dependencies from the requirements files, as `make run` does on such a machine."""

    @override
    def update(self, metadata: dict[str, Any]) -> None:
        rule = [sys.executable, "tools/requirements.py", "--runtime", "cpu", *_FILES]
        printed = subprocess.check_output(rule, cwd=self.root, text=True)
        metadata["dependencies"] = printed.splitlines()
