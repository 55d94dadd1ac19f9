"""Parts of compiled code: functions that exist in those that call them only, where they are optimised, and once."""

import functools
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import IRLegalization
from numba.extending import overload


@register_pass(mutates_CFG=False, analysis_only=True)
class _KeepIntermediateCode(AnalysisPass):
    """Give a function a library of which no machine code is made: others link its intermediate code."""

    _name = "keep_intermediate_code"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:  # noqa: D102
        state.library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
        state.library.__class__ = _IntermediateCode
        return False


class _IntermediateCode(JITCodeLibrary):
    def _optimize_final_module(self) -> None:
        """Nothing to do: that comes with those that link it."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return 1  # of the wrapper for Python, which nothing calls

    @property
    def codegen(self) -> Any:
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """Nothing to do: only the wrapper for Python reads it."""


class Part(CompilerBase):
    """numba's compiler, for functions that exist in those that call them only: they are optimised there, and once."""

    def define_pipelines(self) -> list[Any]:  # noqa: D102
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_KeepIntermediateCode, IRLegalization)
        passes.finalize()
        return [passes]


# What stands for a function in compiled code, by the types of its arguments, is a part, too.
_OPTIONS: Any = {"pipeline_class": Part, "no_cfunc_wrapper": True}
compiled_as = functools.partial(overload, jit_options=_OPTIONS)
