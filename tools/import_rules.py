"""A contract of import-linter: each layer imports what it names, and nothing else.

A layer is a package or a module, with all below it that is not a layer itself: with the layers
`shared` and `shared.core`, the module `shared.core.errors` belongs to `shared.core`. A layer may
import itself, the layers and packages that it names, and the standard library but for the modules
that are to be named too.
"""

import sys
from collections.abc import Iterator
from typing import Any, cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Layers = dict[str, frozenset[str]]
"""What each layer may import: other layers, packages, and modules of the standard library."""


class LayersField(fields.Field[Layers]):
    """A table of layers."""

    def parse(self, raw_data: Any) -> Layers:
        """Return the layers of a TOML table."""
        return {layer: frozenset(names) for layer, names in raw_data.items()}


class AllowlistContract(Contract):
    """Refuses every import that the importer's layer does not name.

    Attributes:
        layers: what each layer may import.
        named_standard_modules: modules of the standard library that a layer has to name.

    """

    layers = LayersField()
    named_standard_modules = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return whether every import is allowed; `refused` has a line for each that is not."""
        layers = cast(Layers, self.layers)
        standard = sys.stdlib_module_names - cast(set[str], self.named_standard_modules)
        refused = sorted(_refused(graph, layers, standard))
        return ContractCheck(kept=not refused, metadata={"refused": refused})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that are not allowed."""
        for line in check.metadata["refused"]:
            output.print_error(line, bold=False)


def _refused(graph: ImportGraph, layers: Layers, standard: frozenset[str]) -> Iterator[str]:
    ours = {module for module in graph.modules if not graph.is_module_squashed(module)}
    for importer in ours:
        layer = _layer_of(importer, layers)
        if layer is None:
            yield f"{importer} belongs to no layer"
            continue
        allowed = layers[layer] | {layer}
        for imported in graph.find_modules_directly_imported_by(importer):
            target = _layer_of(imported, layers) if imported in ours else imported
            if target not in allowed and target not in standard:
                (detail, *_) = graph.get_import_details(importer=importer, imported=imported)
                yield f"{importer}:{detail['line_number']}: {layer} may not import {imported}"


def _layer_of(module: str, layers: Layers) -> str | None:
    """Return the layer with the longest name that the module's begins with."""
    while module and module not in layers:
        module = module.rpartition(".")[0]
    return module or None
