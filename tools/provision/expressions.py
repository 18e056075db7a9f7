"""Computes CloudFormation's functions: `Ref`, `Fn::GetAtt`, `Fn::Sub`, conditions and the rest.

Source: "Intrinsic function reference" of the CloudFormation guide.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tools.provision.errors import ProvisionError

_NO_VALUE = {"Ref": "AWS::NoValue"}
_PLACE = re.compile(r"\$\{(!?)([^}]*)\}")


class Expressions:
    """Computes values; what a resource answers to `Ref` and `Fn::GetAtt` is asked for."""

    def __init__(
        self,
        parameters: Mapping[str, Any],
        conditions: Mapping[str, Any],
        *,
        ref: Callable[[str], str],
        attribute: Callable[[str, str], str],
    ) -> None:
        """Take the parameters' values, the conditions, and what knows the resources."""
        self._parameters = parameters
        self._conditions = conditions
        self._ref_of = ref
        self._attribute_of = attribute
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_attribute,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": lambda given: self.value(given[1])[int(self.value(given[0]))],
            "Fn::Split": lambda given: str(self.value(given[1])).split(given[0]),
            "Fn::If": lambda given: self.value(given[1 if self.holds(given[0]) else 2]),
            "Fn::Equals": lambda given: str(self.value(given[0])) == str(self.value(given[1])),
            "Fn::And": lambda given: all(map(self.value, given)),
            "Fn::Or": lambda given: any(map(self.value, given)),
            "Fn::Not": lambda given: not self.value(given[0]),
            "Condition": self.holds,
        }

    def value(self, value: Any) -> Any:
        """Return a value with every function in it computed.

        Raises:
            ProvisionError: a name or a function is not known.

        """
        if isinstance(value, list):
            return [self.value(item) for item in value if not self._is_no_value(item)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, given),) = value.items()
            if name in self._functions and not (name == "Condition" and isinstance(given, dict)):
                return self._functions[name](given)
            if name.startswith("Fn::"):
                raise ProvisionError(f"the function {name} is not known")
        return {
            name: self.value(item) for name, item in value.items() if not self._is_no_value(item)
        }

    def holds(self, condition: str) -> bool:
        """Tell whether a condition of the template holds.

        Raises:
            ProvisionError: there is none of that name.

        """
        if condition not in self._conditions:
            raise ProvisionError(f"the template has no condition {condition}")
        return bool(self.value(self._conditions[condition]))

    def _is_no_value(self, value: Any) -> bool:
        while isinstance(value, dict) and set(value) == {"Fn::If"}:
            condition, if_so, if_not = value["Fn::If"]
            value = if_so if self.holds(condition) else if_not
        return bool(value == _NO_VALUE)

    def _ref(self, name: str) -> Any:
        return self._parameters[name] if name in self._parameters else self._ref_of(name)

    def _get_attribute(self, given: str | list[str]) -> str:
        logical_id, attribute = given.split(".", 1) if isinstance(given, str) else given
        return self._attribute_of(logical_id, attribute)

    def _sub(self, given: str | list[Any]) -> str:
        text, local = (given, {}) if isinstance(given, str) else given

        def fill(place: re.Match[str]) -> str:
            is_literal, name = place.groups()
            if is_literal:
                return f"${{{name}}}"
            if name in local:
                return str(self.value(local[name]))
            return str(self._get_attribute(name) if "." in name else self._ref(name))

        return _PLACE.sub(fill, text)

    def _join(self, given: list[Any]) -> str:
        delimiter, parts = given
        return str(delimiter).join(map(str, self.value(parts)))
