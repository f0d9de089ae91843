"""The sources as small local servers, for the demo and the tests."""
