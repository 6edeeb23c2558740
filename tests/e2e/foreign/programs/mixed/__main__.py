"""A file of this package between two resources of a third-party provider."""

import os

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider, UpdateResult

import pulumi_openai_ft as openai_ft


class Register(ResourceProvider):
    def create(self, props):
        return CreateResult(props["name"], props)

    def update(self, id_, olds, news):
        return UpdateResult(news)


class Entry(Resource, module="register", name="Entry"):
    name: pulumi.Output[str]

    def __init__(self, resource_name, **props):
        super().__init__(Register(), resource_name, props)


team = Entry("team", name="support")
data = openai_ft.File("data", file="data.jsonl", filename=team.name.apply(lambda name: f"{name}.jsonl"))
Entry("listed", name="listed", file=data.id, bytes=data.bytes, stage=os.environ["STAGE"])
