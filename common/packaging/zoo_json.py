"""JSON as the model zoo's formatter leaves it."""

import json
from typing import Any


def zoo_json(content: Any) -> str:
    """Text indented by 4, keys in their order."""
    return json.dumps(content, indent=4) + "\n"
