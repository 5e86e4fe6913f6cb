"""`mtas doctor`: looks at a deployment from where it runs, and says what to fix.

It reads the environment that it is started with: a service's own, provisioning's, or just the public
URL. It changes nothing, and prints no secret.
"""
