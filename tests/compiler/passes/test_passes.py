"""Each rewriting pass: IR text in, IR text out, and the same numbers before and after."""

from __future__ import annotations

from typing import Callable

from bmx.compiler.passes import REGISTRY
from bmx.compiler.passes.absorb_casts import absorb_casts
from bmx.compiler.passes.affine_into_next_weights import affine_into_next_weights
from bmx.compiler.passes.affine_into_weights import affine_into_weights
from bmx.compiler.passes.batch_norm_to_affine import batch_norm_to_affine
from bmx.compiler.passes.divide_to_affine import divide_to_affine
from bmx.compiler.passes.merge_affines import merge_affines
from bmx.compiler.passes.merge_equal_nodes import merge_equal_nodes
from bmx.compiler.passes.remove_dead_nodes import remove_dead_nodes
from bmx.compiler.passes.remove_identity import remove_identity

POOL = '{"kernel": [3, 3], "padding": [1, 1], "strides": [2, 2]}'


def test_remove_identity(check_pass: Callable) -> None:
    check_pass(
        remove_identity,
        """
        graph g channels_first
        input x: f32[4]
        a = identity(x)
        b = identity(a)
        c = relu(b)
        d = identity(c)
        output d
        output b
        """,
        """
        graph g channels_first
        input x: f32[4]
        c: f32[4] = relu(x)
        output c
        output x
        """,
    )


def test_remove_dead_nodes(check_pass: Callable) -> None:
    check_pass(
        remove_dead_nodes,
        """
        graph g channels_first
        input x: f32[4]
        input unused: f32[2]
        a = relu(x)
        b = tanh(a)
        c = relu(b)
        d = tanh(a)
        output d
        """,
        """
        graph g channels_first
        input x: f32[4]
        input unused: f32[2]
        a: f32[4] = relu(x)
        d: f32[4] = tanh(a)
        output d
        """,
    )


def test_pool_goes_before_a_chain_of_activations(check_pass: Callable) -> None:
    check_pass(
        REGISTRY["pool_before_activation"],
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        r = relu(x)
        t = tanh(r)
        p = max_pool2d(t) {POOL}
        output p
        """,
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        r: f32[2, 4, 3] = relu(p)
        t: f32[2, 4, 3] = tanh(r)
        output t
        """,
    )


def test_pool_goes_before_slopes_that_are_not_negative(check_pass: Callable) -> None:
    before = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        c: f32[2, 7, 5] = clip(x) high=f32[1](1.0) low=f32[1](-inf)
        l: f32[2, 7, 5] = prelu(c) slope=f32[2](0.5, 0.0)
        p: f32[2, 4, 3] = max_pool2d(l) {POOL}
        output p
        """
    after = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        c: f32[2, 4, 3] = clip(p) high=f32[1](1.0) low=f32[1](-inf)
        l: f32[2, 4, 3] = prelu(c) slope=f32[2](0.5, 0.0)
        output l
        """
    check_pass(REGISTRY["pool_before_activation"], before, after)
    falling = before.replace("(0.5, 0.0)", "(0.5, -0.5)")
    check_pass(REGISTRY["pool_before_activation"], falling, falling)


def test_pool_goes_before_a_cast(check_pass: Callable) -> None:
    check_pass(
        REGISTRY["pool_before_activation"],
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        s = sign(x)
        b = binary_conv2d(s) weight=bits[3, 2, 1, 1](seed 1)
        c = cast(b)
        p = max_pool2d(c) {POOL}
        output p
        """,
        f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        s: bits[2, 7, 5] = sign(x)
        b: i32[3, 7, 5] = binary_conv2d(s) weight=bits[3, 2, 1, 1](1, 1, -1, -1, 1, 1)
        p: i32[3, 4, 3] = max_pool2d(b) {POOL}
        c: f32[3, 4, 3] = cast(p)
        output c
        """,
    )


def test_pool_stays_behind_a_value_with_other_readers_and_behind_an_affine(check_pass: Callable) -> None:
    for lines in (
        f"r: f32[2, 7, 5] = relu(x)\np: f32[2, 4, 3] = max_pool2d(r) {POOL}\noutput p\noutput r",
        f"r: f32[2, 7, 5] = relu(x)\nq: f32[2, 7, 5] = tanh(r)\np: f32[2, 4, 3] = max_pool2d(r) {POOL}\n"
        "output p\noutput q",
        "a: f32[2, 7, 5] = affine(x) scale=f32[2](1.0, -1.0) shift=f32[2](0.0, 1.0)\n"
        f"p: f32[2, 4, 3] = max_pool2d(a) {POOL}\noutput p",
    ):
        text = f"graph g channels_first\ninput x: f32[2, 7, 5]\n{lines}"
        check_pass(REGISTRY["pool_before_activation"], text, text)


def test_sign_goes_through_max_pool_and_flatten(check_pass: Callable) -> None:
    before = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p = max_pool2d(x) {POOL}
        f = flatten(p)
        s = sign(f)
        output s
        """
    middle = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        s: bits[2, 4, 3] = sign(p)
        f: bits[24] = flatten(s)
        output f
        """
    after = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        s: bits[2, 7, 5] = sign(x)
        p: bits[2, 4, 3] = max_pool2d(s) {POOL}
        f: bits[24] = flatten(p)
        output f
        """
    check_pass(REGISTRY["sign_through_flatten"], before, middle)
    check_pass(REGISTRY["sign_through_max_pool"], middle, after)


def test_sign_goes_through_a_padding_of_pixels_only(check_pass: Callable) -> None:
    before = """
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 9, 6] = pad2d(x) {"edge": true, "padding": [1, 1, 1, 0]}
        s: bits[2, 9, 6] = sign(p)
        output s
        """
    after = """
        graph g channels_first
        input x: f32[2, 7, 5]
        s: bits[2, 7, 5] = sign(x)
        p: bits[2, 9, 6] = pad2d(s) {"edge": true, "padding": [1, 1, 1, 0]}
        output p
        """
    check_pass(REGISTRY["sign_through_pad"], before, after)
    zeros = before.replace('"edge": true, ', "")
    check_pass(REGISTRY["sign_through_pad"], zeros, zeros)


def test_sign_stays_behind_a_pool_with_other_readers(check_pass: Callable) -> None:
    text = f"""
        graph g channels_first
        input x: f32[2, 7, 5]
        p: f32[2, 4, 3] = max_pool2d(x) {POOL}
        s: bits[2, 4, 3] = sign(p)
        r: f32[2, 4, 3] = relu(p)
        output s
        output r
        """
    check_pass(REGISTRY["sign_through_max_pool"], text, text)


def test_batch_norm_becomes_affine(check_pass: Callable) -> None:
    check_pass(
        batch_norm_to_affine,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        b = batch_norm(x) {"epsilon": 0.25} gamma=f32[3](2, -1, 0) beta=f32[3](0.5, 0, 3) \
            mean=f32[3](4, 1, 2) variance=f32[3](15.75, 0, 1)
        output b
        """,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        b: f32[3, 2, 2] = affine(x) scale=f32[3](0.5, -2.0, 0.0) shift=f32[3](-1.5, 2.0, 3.0)
        output b
        """,
        exact=False,
    )


def test_divisions_become_affine(check_pass: Callable) -> None:
    check_pass(
        divide_to_affine,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        d = divide(x) divisor=f32[3](4, -0.8, 3)
        output d
        """,
        """
        graph g channels_first
        input x: f32[3, 2, 2]
        d: f32[3, 2, 2] = affine(x) scale=f32[3](0.25, -1.25, 0.33333334) shift=f32[3](0.0, 0.0, 0.0)
        output d
        """,
        exact=False,
    )


def test_affines_merge(check_pass: Callable) -> None:
    check_pass(
        merge_affines,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        a = affine(x) scale=f32[2](2, 1) shift=f32[2](1, 0)
        b = affine(a) scale=f32[2](3, -1) shift=f32[2](0, 4)
        c = affine(b) scale=f32[2](0.5, 1) shift=f32[2](0, 1)
        output c
        """,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        c: f32[2, 2, 2] = affine(x) scale=f32[2](3.0, -1.0) shift=f32[2](1.5, 5.0)
        output c
        """,
        exact=False,
    )


def test_affines_with_other_readers_stay(check_pass: Callable) -> None:
    text = """
        graph g channels_first
        input x: f32[2]
        a: f32[2] = affine(x) scale=f32[2](2.0, 1.0) shift=f32[2](1.0, 0.0)
        b: f32[2] = affine(a) scale=f32[2](3.0, -1.0) shift=f32[2](0.0, 4.0)
        output b
        output a
        """
    check_pass(merge_affines, text, text)


def test_casts_are_absorbed_but_stay_for_other_readers(check_pass: Callable) -> None:
    check_pass(
        absorb_casts,
        """
        graph g channels_first
        input x: f32[3]
        s = sign(x)
        d = binary_dense(s) weight=bits[2, 3](seed 1)
        c = cast(d)
        a = affine(c) scale=f32[2](2, 1) shift=f32[2](1, 0)
        r = relu(c)
        output a
        output r
        """,
        """
        graph g channels_first
        input x: f32[3]
        s: bits[3] = sign(x)
        d: i32[2] = binary_dense(s) weight=bits[2, 3](1, 1, -1, -1, 1, 1)
        c: f32[2] = cast(d)
        a: f32[2] = affine(d) scale=f32[2](2.0, 1.0) shift=f32[2](1.0, 0.0)
        r: f32[2] = relu(c)
        output a
        output r
        """,
    )


def test_affines_move_into_weights(check_pass: Callable) -> None:
    check_pass(
        affine_into_weights,
        """
        graph g channels_first
        input x: f32[1, 3, 2]
        c = conv2d(x) weight=f32[1, 1, 1, 2](1, 2)
        a = affine(c) scale=f32[1](-2) shift=f32[1](1)
        f = flatten(a)
        d = dense(f) weight=f32[2, 3](1, 2, 3, 4, 5, 6) bias=f32[2](1, 2)
        b = affine(d) scale=f32[2](10, 0) shift=f32[2](1, -0.5)
        output b
        """,
        """
        graph g channels_first
        input x: f32[1, 3, 2]
        c: f32[1, 3, 1] = conv2d(x) bias=f32[1](1.0) weight=f32[1, 1, 1, 2](-2.0, -4.0)
        f: f32[3] = flatten(c)
        d: f32[2] = dense(f) bias=f32[2](11.0, -0.5) weight=f32[2, 3](10.0, 20.0, 30.0, 0.0, 0.0, 0.0)
        output d
        """,
        exact=False,
    )


def test_affines_stay_behind_a_layer_with_other_readers(check_pass: Callable) -> None:
    text = """
        graph g channels_first
        input x: f32[2]
        d: f32[1] = dense(x) weight=f32[1, 2](1.0, 2.0)
        a: f32[1] = affine(d) scale=f32[1](3.0) shift=f32[1](1.0)
        output a
        output d
        """
    check_pass(affine_into_weights, text, text)


def test_merge_equal_nodes(check_pass: Callable) -> None:
    check_pass(
        merge_equal_nodes,
        """
        graph g channels_first
        input x: f32[4]
        a = sign(x)
        b = sign(x)
        c = binary_dense(a) weight=bits[2, 4](seed 1)
        d = binary_dense(b) weight=bits[2, 4](seed 1)
        e = binary_dense(b) weight=bits[2, 4](seed 2)
        f = cast(c)
        g = cast(d)
        h = cast(e)
        i = add(f, g)
        j = tanh(i)
        k = tanh(i)
        output j
        output h
        output k
        """,
        """
        graph g channels_first
        input x: f32[4]
        a: bits[4] = sign(x)
        c: i32[2] = binary_dense(a) weight=bits[2, 4](1, 1, -1, -1, 1, 1, 1, 1)
        e: i32[2] = binary_dense(a) weight=bits[2, 4](-1, 1, 1, -1, -1, 1, -1, 1)
        f: f32[2] = cast(c)
        h: f32[2] = cast(e)
        i: f32[2] = add(f, f)
        j: f32[2] = tanh(i)
        k: f32[2] = tanh(i)
        output j
        output h
        output k
        """,
    )


def test_affine_into_next_weights(check_pass: Callable) -> None:
    check_pass(
        affine_into_next_weights,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        a = affine(x) scale=f32[2](2, 4) shift=f32[2](1, -1)
        b = conv2d(a) weight=f32[1, 2, 1, 1](3, 5) bias=f32[1](7)
        c = affine(x) scale=f32[2](2, 4) shift=f32[2](0, 0)
        d = conv2d(c) {"groups": 2, "padding": [1, 1]} weight=f32[2, 1, 1, 1](3, 5)
        e = flatten(b)
        f = affine(e) scale=f32[4](1, 2, 3, 4) shift=f32[4](1, 1, 1, 1)
        h = dense(f) weight=f32[1, 4](1, 1, 1, 2)
        output d
        output h
        """,
        """
        graph g channels_first
        input x: f32[2, 2, 2]
        b: f32[1, 2, 2] = conv2d(x) bias=f32[1](5.0) weight=f32[1, 2, 1, 1](6.0, 20.0)
        d: f32[2, 4, 4] = conv2d(x) {"groups": 2, "padding": [1, 1]} weight=f32[2, 1, 1, 1](6.0, 20.0)
        e: f32[4] = flatten(b)
        h: f32[1] = dense(e) bias=f32[1](5.0) weight=f32[1, 4](1.0, 2.0, 3.0, 8.0)
        output d
        output h
        """,
        exact=False,
    )


def test_affine_before_a_layer_stays_where_it_must(check_pass: Callable) -> None:
    """A shift under padding, a value that somebody else reads, an affine of integers."""
    text = """
        graph g channels_first
        input x: f32[2, 3, 3]
        a: f32[2, 3, 3] = affine(x) scale=f32[2](2.0, 4.0) shift=f32[2](1.0, 0.0)
        b: f32[1, 5, 5] = conv2d(a) {"padding": [1, 1]} weight=f32[1, 2, 1, 1](3.0, 5.0)
        c: f32[2, 3, 3] = affine(x) scale=f32[2](2.0, 4.0) shift=f32[2](0.0, 0.0)
        d: f32[1, 3, 3] = conv2d(c) weight=f32[1, 2, 1, 1](3.0, 5.0)
        s: bits[2, 3, 3] = sign(x)
        t: i32[2, 3, 3] = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, -1, 1, 1)
        u: f32[2, 3, 3] = affine(t) scale=f32[2](2.0, 4.0) shift=f32[2](1.0, -1.0)
        v: f32[1, 3, 3] = conv2d(u) weight=f32[1, 2, 1, 1](3.0, 5.0)
        output b
        output d
        output c
        output v
        """
    check_pass(affine_into_next_weights, text, text)


def test_pool_before_affine(check_pass: Callable) -> None:
    check_pass(
        REGISTRY["pool_before_affine"],
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        a = affine(x) scale=f32[2](2, 0) shift=f32[2](1, -1)
        p = max_pool2d(a) {"kernel": [2, 2], "strides": [2, 2]}
        b = affine(x) scale=f32[2](2, -1) shift=f32[2](1, -1)
        q = max_pool2d(b) {"kernel": [2, 2], "strides": [2, 2]}
        s = sign(x)
        c = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, -1, 1, 1)
        d = affine(c) scale=f32[2](2, 1) shift=f32[2](1, -1)
        r = max_pool2d(d) {"kernel": [2, 2], "strides": [2, 2]}
        output p
        output q
        output r
        """,
        """
        graph g channels_first
        input x: f32[2, 4, 4]
        p: f32[2, 2, 2] = max_pool2d(x) {"kernel": [2, 2], "strides": [2, 2]}
        a: f32[2, 2, 2] = affine(p) scale=f32[2](2.0, 0.0) shift=f32[2](1.0, -1.0)
        b: f32[2, 4, 4] = affine(x) scale=f32[2](2.0, -1.0) shift=f32[2](1.0, -1.0)
        q: f32[2, 2, 2] = max_pool2d(b) {"kernel": [2, 2], "strides": [2, 2]}
        s: bits[2, 4, 4] = sign(x)
        c: i32[2, 4, 4] = binary_conv2d(s) weight=bits[2, 2, 1, 1](1, -1, 1, 1)
        d: f32[2, 4, 4] = affine(c) scale=f32[2](2.0, 1.0) shift=f32[2](1.0, -1.0)
        r: f32[2, 2, 2] = max_pool2d(d) {"kernel": [2, 2], "strides": [2, 2]}
        output a
        output q
        output r
        """,
    )
