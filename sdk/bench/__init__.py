"""What a signed-in request costs with each SDK, beside its peer: `make bench-sdk`."""
