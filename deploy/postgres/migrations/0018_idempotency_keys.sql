-- Answers to requests that carried an Idempotency-Key, for a day. No tenant owns them: registering an
-- app is one. The answer is sealed under the caller's own API token, which is not stored here.
create table admin.idempotency_keys (
    actor         text not null,                     -- whose key it is
    key_hash      bytea not null check (octet_length(key_hash) = 32),
    request_hash  bytea not null check (octet_length(request_hash) = 32),
    sealed_answer bytea,                             -- null only within the transaction of the request
    created_at    timestamptz not null,
    primary key (actor, key_hash)
);
create index on admin.idempotency_keys (created_at);
