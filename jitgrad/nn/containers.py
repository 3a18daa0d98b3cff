"""Modules that hold modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .module import Module


class ModuleList(Module):
    """Modules by number: a list that a module may have as an attribute.

    >>> from jitgrad.nn import Tanh
    >>> len(ModuleList([Tanh(), Tanh()]))
    2
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end; returns the list."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__} holds modules, found {module!r}")
        setattr(self, str(len(self)), module)
        self._remember()
        return self

    def _remember(self) -> None:
        """Take what is inside now for what the list was made of, so that it can be made anew."""
        inside = dict(self.named_children())
        if type(self) in (ModuleList, Sequential):
            vars(self)["_arguments"] = ((inside if isinstance(self, Sequential) else list(inside.values()),), {})

    def layers(self) -> list[Module]:
        """The modules as a list."""
        return self.children()

    def __len__(self) -> int:
        return len(self.layers())

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers())

    def __getitem__(self, index: Any) -> Any:
        found = self.layers()[index]
        return type(self)(*found) if isinstance(found, list) and isinstance(self, Sequential) else found

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, [name for name, _ in self.named_children()][index], module)
        self._remember()


class Sequential(ModuleList):
    """Modules one after the other, given as arguments or as one dict with names.

    >>> from jitgrad.nn import Linear, ReLU
    >>> Sequential(Linear(2, 3), ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                setattr(self, name, module)
        else:
            super().__init__(modules)

    def forward(self, x: Any) -> Any:
        for layer in self.layers():
            x = layer(x)
        return x
