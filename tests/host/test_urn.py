from __future__ import annotations

import pytest

from pulumi_openai_ft._shared.type_tokens import OURS
from pulumi_openai_ft.host._urn import name_of, type_of


@pytest.mark.parametrize(
    ("urn", "kind", "name"),
    [
        ("urn:pulumi:dev::shop::aws:s3/bucket:Bucket::assets", "aws:s3/bucket:Bucket", "assets"),
        (f"urn:pulumi:dev::shop::{OURS}File::data", f"{OURS}File", "data"),
        (f"urn:pulumi:dev::shop::shop:index:Team$a:b:C${OURS}File::data", f"{OURS}File", "data"),
        (f"urn:pulumi:dev::shop::{OURS}File::a::b$c", f"{OURS}File", "a::b$c"),
        (f"urn:pulumi:dev::shop::{OURS}File::", f"{OURS}File", ""),
        ("urn:pulumi:dev::shop::::name", "", "name"),
        ("urn:pulumi:dev::shop", "", "shop"),
        ("garbage", "", "garbage"),
        ("", "", ""),
    ],
)
def test_a_urn_tells_the_type_and_the_name(urn: str, kind: str, name: str) -> None:
    assert (type_of(urn), name_of(urn)) == (kind, name)
