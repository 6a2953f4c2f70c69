from typing import Any, Sequence

from mxnet.gluon.block import HybridBlock
from mxnet.gluon.nn import Activation
from mxnet.gluon.parameter import Parameter

_Sizes = int | Sequence[int]

class _Conv(HybridBlock):
    _channels: int
    _in_channels: int
    _kwargs: dict[str, Any]
    _op_name: str
    weight: Parameter
    bias: Parameter | None
    act: Activation | None
    def __init__(
        self,
        channels: int,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        layout: str,
        in_channels: int = 0,
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        op_name: str = "Convolution",
        adj: Any = None,
        prefix: str | None = None,
        params: Any = None,
    ) -> None: ...

class Conv1D(_Conv):
    def __init__(
        self,
        channels: int,
        kernel_size: _Sizes,
        strides: _Sizes = ...,
        padding: _Sizes = ...,
        dilation: _Sizes = ...,
        groups: int = 1,
        layout: str = "NCW",
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None: ...

class Conv2D(_Conv):
    def __init__(
        self,
        channels: int,
        kernel_size: _Sizes,
        strides: _Sizes = ...,
        padding: _Sizes = ...,
        dilation: _Sizes = ...,
        groups: int = 1,
        layout: str = "NCHW",
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None: ...

class Conv3D(_Conv):
    def __init__(
        self,
        channels: int,
        kernel_size: _Sizes,
        strides: _Sizes = ...,
        padding: _Sizes = ...,
        dilation: _Sizes = ...,
        groups: int = 1,
        layout: str = "NCDHW",
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None: ...

class Conv1DTranspose(_Conv):
    def __init__(
        self,
        channels: int,
        kernel_size: _Sizes,
        strides: _Sizes = ...,
        padding: _Sizes = ...,
        output_padding: _Sizes = ...,
        dilation: _Sizes = ...,
        groups: int = 1,
        layout: str = "NCW",
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None: ...

class Conv2DTranspose(_Conv):
    def __init__(
        self,
        channels: int,
        kernel_size: _Sizes,
        strides: _Sizes = ...,
        padding: _Sizes = ...,
        output_padding: _Sizes = ...,
        dilation: _Sizes = ...,
        groups: int = 1,
        layout: str = "NCHW",
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None: ...

class Conv3DTranspose(_Conv):
    def __init__(
        self,
        channels: int,
        kernel_size: _Sizes,
        strides: _Sizes = ...,
        padding: _Sizes = ...,
        output_padding: _Sizes = ...,
        dilation: _Sizes = ...,
        groups: int = 1,
        layout: str = "NCDHW",
        activation: str | None = None,
        use_bias: bool = True,
        weight_initializer: Any = None,
        bias_initializer: Any = "zeros",
        in_channels: int = 0,
        **kwargs: Any,
    ) -> None: ...

class _Pooling(HybridBlock):
    _kwargs: dict[str, Any]

class MaxPool1D(_Pooling):
    def __init__(
        self,
        pool_size: _Sizes = ...,
        strides: _Sizes | None = None,
        padding: _Sizes = ...,
        layout: str = "NCW",
        ceil_mode: bool = False,
        **kwargs: Any,
    ) -> None: ...

class MaxPool2D(_Pooling):
    def __init__(
        self,
        pool_size: _Sizes = ...,
        strides: _Sizes | None = None,
        padding: _Sizes = ...,
        layout: str = "NCHW",
        ceil_mode: bool = False,
        **kwargs: Any,
    ) -> None: ...

class MaxPool3D(_Pooling):
    def __init__(
        self,
        pool_size: _Sizes = ...,
        strides: _Sizes | None = None,
        padding: _Sizes = ...,
        layout: str = "NCDHW",
        ceil_mode: bool = False,
        **kwargs: Any,
    ) -> None: ...

class AvgPool1D(_Pooling):
    def __init__(
        self,
        pool_size: _Sizes = ...,
        strides: _Sizes | None = None,
        padding: _Sizes = ...,
        layout: str = "NCW",
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        **kwargs: Any,
    ) -> None: ...

class AvgPool2D(_Pooling):
    def __init__(
        self,
        pool_size: _Sizes = ...,
        strides: _Sizes | None = None,
        padding: _Sizes = ...,
        layout: str = "NCHW",
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        **kwargs: Any,
    ) -> None: ...

class AvgPool3D(_Pooling):
    def __init__(
        self,
        pool_size: _Sizes = ...,
        strides: _Sizes | None = None,
        padding: _Sizes = ...,
        layout: str = "NCDHW",
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        **kwargs: Any,
    ) -> None: ...

class GlobalMaxPool1D(_Pooling):
    def __init__(self, layout: str = "NCW", **kwargs: Any) -> None: ...

class GlobalMaxPool2D(_Pooling):
    def __init__(self, layout: str = "NCHW", **kwargs: Any) -> None: ...

class GlobalMaxPool3D(_Pooling):
    def __init__(self, layout: str = "NCDHW", **kwargs: Any) -> None: ...

class GlobalAvgPool1D(_Pooling):
    def __init__(self, layout: str = "NCW", **kwargs: Any) -> None: ...

class GlobalAvgPool2D(_Pooling):
    def __init__(self, layout: str = "NCHW", **kwargs: Any) -> None: ...

class GlobalAvgPool3D(_Pooling):
    def __init__(self, layout: str = "NCDHW", **kwargs: Any) -> None: ...

class ReflectionPad2D(HybridBlock):
    def __init__(self, padding: _Sizes = 0, **kwargs: Any) -> None: ...
