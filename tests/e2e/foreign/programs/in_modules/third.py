"""What a provider looks for only while it creates."""

LABEL = "third party"
