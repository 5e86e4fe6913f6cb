-- Notes for the dashboard, many at once; the tables are admin's (migrations/0012_observations.sql).

-- name: note_observations
select admin.note_observations($1, $2, $3, $4, $5, $6);

-- name: note_secret_uses
select admin.note_secret_uses($1, $2, $3, $4);
