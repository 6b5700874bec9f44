"""What agent.scan uses of Cython's own module, for the type checker."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[..., object])

compiled: bool
nogil: AbstractContextManager[None]

class boundscheck(AbstractContextManager[None]):  # noqa: N801
    def __init__(self, checked: bool, /) -> None: ...
    def __call__(self, function: _Function, /) -> _Function: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...
