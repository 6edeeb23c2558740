from __future__ import annotations

import json
import re

import pytest
import yaml

from pulumi_openai_ft.cli.pulumi_yaml import parse, providers, with_host
from pulumi_openai_ft.errors import InputError

HOST_ENTRY = {"name": "pulumi-python", "path": "bin"}


ADDED = re.compile("«(.*?)»", re.DOTALL)
STYLES = {
    "without plugins": """\
name: shop
runtime: python
«plugins:
  providers:
    - name: pulumi-python
      path: bin
»""",
    "with other providers": """\
name: shop
plugins:   # of several packages
  providers:
«    - name: pulumi-python
      path: bin
»    # a fork
    - name: aws
      path: aws

runtime: python
""",
    "a list that is not indented": """\
name: shop
plugins:
    providers:
«    - name: pulumi-python
      path: bin
»    - {name: aws, path: aws}
""",
    "with plugins of other kinds": """\
name: shop
plugins:
«  providers:
    - name: pulumi-python
      path: bin
»  analyzers:
    - name: rules
      path: rules
""",
    "a flow list": """\
name: shop
plugins: {providers: [«{"name": "pulumi-python", "path": "bin"}, »{name: aws, path: aws}]}
""",
    "an empty list": """\
name: shop
plugins:
  providers: [«{"name": "pulumi-python", "path": "bin"}»]  # none
""",
    "an empty mapping": """\
name: shop
plugins: {«"providers": [{"name": "pulumi-python", "path": "bin"}]»}
""",
    "null": """\
name: shop
plugins:« {"providers": [{"name": "pulumi-python", "path": "bin"}]}»
runtime: python
""",
    "JSON": """\
{«"plugins": {"providers": [{"name": "pulumi-python", "path": "bin"}]},»
  "name": "shop",
  "runtime": "python"
}
""",
}


@pytest.mark.parametrize("text", STYLES.values(), ids=STYLES)
def test_the_entry_follows_the_style_of_the_file(text: str) -> None:
    """Lines between guillemets are added by the edit."""
    assert with_host(ADDED.sub("", text)) == ADDED.sub(r"\1", text)


@pytest.mark.parametrize("null", ["~", "null"])
def test_an_empty_value_is_replaced_by_the_list(null: str) -> None:
    edited = with_host(f"name: shop\nplugins:\n  providers: {null}  # none\n")

    assert edited.endswith('providers: [{"name": "pulumi-python", "path": "bin"}]  # none\n')


def test_added_lines_use_the_line_ends_of_the_file() -> None:
    text = ADDED.sub("", STYLES["with other providers"]).replace("\n", "\r\n")

    assert with_host(text) == ADDED.sub(r"\1", STYLES["with other providers"]).replace("\n", "\r\n")


def test_a_missing_final_newline_is_added() -> None:
    assert with_host("name: shop").startswith("name: shop\nplugins:\n")


UNUSUAL = {
    "comments": "# top\n\nname: 'shop'  # a\n\n\nruntime: \"python\"\n# end\n",
    "aligned": "name:        shop\ndescription: the shop\nruntime:     python\n",
    "braces": "name: shop\nruntime: { name: python, options: { virtualenv: venv } }\n",
    "wrapped": "name: shop\ndescription: A long text\n  that goes on,\n  and on\n",
    "folded": "name: shop\ndescription: >-\n  A long text\n\n  with a gap\n",
    "kept breaks": "name: shop\ndescription: |+\n  text\n\n\n",
    "four blanks": "name: shop\nruntime:\n    name: python\n    options:\n        virtualenv: venv\n",
    "indented": "  name: shop\n  runtime: python\n",
    "document marks": "---\nname: shop\nruntime: python\n",
    "directive": "%YAML 1.1\n---\nname: shop\n",
    "numbers": "name: shop\nconfig: {a: 0x1F, b: 1_000, c: yes, d: ~, e: 2001-01-01, f: 1e3}\n",
    "anchors": "name: shop\nconfig: {a: &a [1, 2], b: *a}\n",
    "other alphabets": "name: shop\ndescription: Läden 商店 🏪\n",
    "byte order mark": "\ufeffname: shop\nruntime: python\n",
    "null plugins": "name: shop\nplugins:\n  # nothing yet\n  providers:\n  languages: []\n",
    "tight list": "name: shop\nplugins: {providers: [\n  {name: aws, path: aws},\n]}\n",
}


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
def test_the_rest_of_the_file_is_unchanged(text: str) -> None:
    edited = with_host(text)

    added = len(edited) - len(text)
    assert any(edited[:at] + edited[at + added :] == text for at in range(len(text) + 1))
    assert providers(parse(edited))[0] == HOST_ENTRY


@pytest.mark.parametrize(
    "text",
    [
        "name: shop\ndefaults: &d {plugins: {analyzers: []}}\n<<: *d\n",
        "name: shop\nother: &p\n  providers: []\nplugins: *p\n",
        "name: shop\nruntime: python\n...\n",
        "name: shop\nplugins:\n  ? providers\n  : - {name: aws, path: aws}\n",
    ],
    ids=["merged", "alias", "end mark", "question mark"],
)
def test_an_unsafe_edit_prints_the_lines_to_add(text: str) -> None:
    with pytest.raises(
        InputError, match=r"add \{.name.: .pulumi-python.* manually, then run this command again"
    ) as caught:
        with_host(text)

    assert json.loads(str(caught.value).split("add ")[1].split(" to the list")[0]) == HOST_ENTRY


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: [shop\n", "invalid YAML in line 2: expected"),
        ("name: shop\n---\nname: two\n", "invalid YAML in line 2: but found another document"),
        ("name: !shop x\n", "invalid YAML in line 1: could not determine a constructor"),
        ("", "not a project"),
        ("- shop\n", "not a project"),
    ],
)
def test_a_file_that_is_not_a_project_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("plugins: [x]", r"plugins is \['x'\]"),
        ("plugins: {providers: {name: x}}", "plugins.providers is {'name': 'x'}"),
        ("plugins: {providers: [x]}", r"plugins.providers\[0\] is 'x'"),
        ("plugins: {providers: [{name: x, path: 3}]}", r"plugins.providers\[0\] is .*'path': 3"),
    ],
)
def test_malformed_plugins_are_refused_by_their_path(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        providers(yaml.safe_load(text))
