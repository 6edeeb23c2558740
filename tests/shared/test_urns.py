from __future__ import annotations

import pytest

from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft._shared.urns import name_of, type_of


@pytest.mark.parametrize(
    ("urn", "kind", "name"),
    [
        ("urn:pulumi:dev::shop::aws:s3/bucket:Bucket::assets", "aws:s3/bucket:Bucket", "assets"),
        (f"urn:pulumi:dev::shop::{TYPE_PREFIX}File::data", f"{TYPE_PREFIX}File", "data"),
        (
            f"urn:pulumi:dev::shop::shop:index:Team$a:b:C${TYPE_PREFIX}File::data",
            f"{TYPE_PREFIX}File",
            "data",
        ),
        (f"urn:pulumi:dev::shop::{TYPE_PREFIX}File::a::b$c", f"{TYPE_PREFIX}File", "a::b$c"),
        (f"urn:pulumi:dev::shop::{TYPE_PREFIX}File::", f"{TYPE_PREFIX}File", ""),
        ("urn:pulumi:dev::shop::::name", "", "name"),
        ("urn:pulumi:dev::shop", "", "shop"),
        ("garbage", "", "garbage"),
        ("", "", ""),
    ],
)
def test_a_urn_contains_type_and_name(urn: str, kind: str, name: str) -> None:
    assert (type_of(urn), name_of(urn)) == (kind, name)
