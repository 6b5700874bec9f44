"""YAML as settings are written in it: what would vanish or mean something else is refused."""

from typing import Any

import yaml

from agent.config_errors import one_line


class NotYaml(Exception):  # noqa: N818 - a verdict on the text
    """A text that cannot be read; says why, on one line, with the line of the text if known."""


def read(text: str) -> object:
    """Return the plain values that the text stands for, None for an empty one. Raise NotYaml."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, see below
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise NotYaml(f"{line}is not valid YAML: {one_line(problem)}") from error
    except RecursionError as error:
        raise NotYaml("is not valid YAML: too many levels") from error


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice: the first would vanish silently."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Build any value; raise ConstructorError where PyYAML lets Python's errors through."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"is no valid {kind}: {error}", node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; raise ConstructorError for a doubled key."""
        if not isinstance(node, yaml.MappingNode):
            return super().construct_mapping(node, deep)  # refuses it, as `!!set` on a word
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a word", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
