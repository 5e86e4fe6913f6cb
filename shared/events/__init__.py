"""Events: what happened, said once, thin, and never lost (CloudEvents 1.0 over NATS JetStream).

- `catalog`: every event's shape; its only home. The AsyncAPI document is generated from it
- `envelope`: the CloudEvent around it, and its subject `mtas.v1.{tenant_id}.{entity}.{verb}`
- `outbox`: written in the transaction of the change, relayed to JetStream
- `bus`: the connection to NATS: publish, consume, listen
- `invalidation`: the same events, heard plainly, make caches forget
- `asyncapi`: the generated document

An event carries ids and names of changed fields, never personal data, never a secret.
NATS being away never fails a request.
"""
