"""The conformance suite of the protocol, run against both of our sides: python -m conformance.run (see expected.yml)."""
