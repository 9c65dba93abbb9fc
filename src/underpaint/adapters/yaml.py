"""YAML by PyYAML, read strictly: no key twice, no aliases, keys are words (``null`` too), and 1e-3 is a number."""

from __future__ import annotations

import re
from typing import Any

from underpaint.adapters.require import require

FLOAT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _strict_loader(yaml: Any) -> Any:
    """Return a safe loader that refuses what would be lost or blown up silently."""

    class Strict(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark
                raise yaml.constructor.ConstructorError(None, None, "write it out instead of using an alias", mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key.value, str) or key.value in keys:
                    problem = f"the key {key.value!r:.60} stands twice, or is no word"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                keys.add(key.value)
                key.tag = "tag:yaml.org,2002:str"
            return super().construct_mapping(node, deep)

    Strict.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
    return Strict


def parse_yaml(text: str, *, extra: str = "evaluate") -> Any:
    """Parse one YAML document.

    Args:
        text: The document.
        extra: The extra of underpaint that brings PyYAML to whoever reads this.

    Raises:
        MissingDependency: PyYAML is not installed.
        ValueError: The text is no such YAML; the message says where and why.
    """
    yaml = require("yaml", extra=extra)
    try:
        return yaml.load(text, Loader=_strict_loader(yaml))
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
