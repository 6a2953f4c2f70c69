"""Every net of the registry stands in a table of counts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import test_family_counts as family
import test_few_bits_counts as few_bits
import test_published_counts as published

from bmx.gluon import model_zoo


def test_every_net_is_counted() -> None:
    tables = (
        *(family.PUBLISHED, family.COMPUTED, few_bits.PUBLISHED, few_bits.NETS),
        *(published.LARQ, published.QUICKNET, published.DERIVED),
        *({name for name, *_ in table} for table in (published.PUBLISHED, published.LARGE)),
    )
    counted = {name for table in tables for name in table}
    assert sorted(set(model_zoo.list_models()) - counted) == []
