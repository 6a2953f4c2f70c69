"""Values inside a net, as MXNet computes them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Iterable, Sequence

import numpy as np

from bmx.compiler.frontend.trace import record
from bmx.compiler.ir.graph import Origin
from bmx.verification.report import VerificationError


def run_net(net: Any, batch: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Outputs of a net, run in its own lowering."""
    import mxnet as mx

    try:
        outputs = net(*(mx.nd.array(array, dtype=np.float32) for array in batch))
        return [value.asnumpy() for value in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
    except mx.MXNetError as error:
        shapes = ", ".join(str(array.shape) for array in batch)
        reason = str(error).strip().splitlines()[-1].strip()
        raise VerificationError(
            f"bmx.verify: the net does not run on the file's inputs of shape {shapes} ({reason}); the file "
            "was exported from another net."
        ) from error


class MxnetValues:
    """A recorded net that returns any of its inner values.

    Args:
        net: a HybridBlock.
        shapes: shapes of one sample, one per input.
    """

    def __init__(self, net: Any, shapes: Sequence[Sequence[int]]) -> None:
        import mxnet as mx

        recording = record(net, [(1, *shape) for shape in shapes])
        self.inputs = [value.name for value in recording.inputs]
        self._parameters = recording.parameters
        self._internals: dict[tuple[str, int], Any] = {}
        outputs: Counter = Counter()
        for value in mx.sym.load_json(json.dumps(recording.symbol)).get_internals():
            self._internals[value.name, outputs[value.name]] = value
            outputs[value.name] += 1
        names = Counter(node["name"] for node in recording.symbol["nodes"])
        self._ambiguous = {name for name, count in names.items() if count > 1}
        nodes = recording.symbol["nodes"]
        self.outputs = [Origin(nodes[node]["name"], output) for node, output, *_ in recording.symbol["heads"]]

    def knows(self, origin: Origin) -> bool:
        """Whether a value can be returned: no other node has the name of its node."""
        return (origin.node, origin.output) in self._internals and origin.node not in self._ambiguous

    def run(
        self, origins: Iterable[Origin], batch: Sequence[np.ndarray]
    ) -> dict[tuple[str, int], np.ndarray]:
        """Run a batch.

        Args:
            origins: the values wanted; their signs and codes are not taken.
            batch: one array per input.

        Returns:
            Arrays by node and output.
        """
        import mxnet as mx

        wanted = list(dict.fromkeys((origin.node, origin.output) for origin in origins))
        arrays = dict(zip(self.inputs, batch))
        values = {(name, 0): array for name, array in arrays.items()}
        computed = [key for key in wanted if key not in values]
        if computed:
            group = mx.sym.Group([self._internals[key] for key in computed])
            arrays.update(self._parameters)
            # As a hybridized net runs; binding an executor would fuse MXNet's operators.
            results = mx.nd.CachedOp(group)(*(mx.nd.array(arrays[name]) for name in group.list_inputs()))
            results = results if isinstance(results, list) else [results]
            values.update((key, result.asnumpy()) for key, result in zip(computed, results))
        return {key: values[key] for key in wanted}
