"""What the SDK's tests share."""
