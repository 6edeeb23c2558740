"""Providers in a local module and in a package of the program: pickled by name."""

import os

import pulumi
from people import Person
from pulumi import Output, ResourceOptions
from shelf import Box

FIRST = os.environ["STAGE"] == "first"

box = Box("box", size=1)
ann = Person(
    "ann", {"name": "Ann", "pay": Output.secret(3.5), "desk": "A1"}, ResourceOptions(depends_on=[box])
)
bob = Person("bob", {"name": "Bob", "role": "cook" if FIRST else "chef", "desk": ann.desk})
moved = Person("moved", {"name": "Cy", "desk": "C1" if FIRST else "C2"}, ResourceOptions(depends_on=[bob]))
rebadged = Person("rebadged", {"name": "Di", "badge": 1 if FIRST else 2, "desk": moved.id})
drifted = Person("drifted", {"name": "Ed", "desk": "E1"}, ResourceOptions(depends_on=[rebadged]))
Person("gone", {"name": "Flo", "desk": "F1"}, ResourceOptions(depends_on=[drifted]))
found = Person.get("found", "zoe@z1", ResourceOptions(depends_on=[ann]))
pulumi.export("region", box.region)
pulumi.export("token", box.token)
pulumi.export("label", found.label)
