-- Indexes of families that the hot path cannot take for its own.
--
-- Those that began with the tenant, and those of all that are alive, looked as good as the primary key for one
-- family by its id, until the table had been analyzed and had grown; a connection keeps such a plan while it grows.
-- Nor is the tenant their second column: PostgreSQL 18 searches by that alone too.

create index on token.families (session_id);
-- A user's, and those that a user has disconnected.
create index on token.families (user_id, revoked_reason, client_id);
drop index token.families_tenant_id_session_id_idx, token.families_tenant_id_user_id_idx,
    token.families_tenant_id_user_id_client_id_idx;
