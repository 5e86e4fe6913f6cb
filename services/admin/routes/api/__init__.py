"""The admin API, `/api/v1`: JSON, bearer token, problems by RFC 9457, pages by cursor.

A body that does not fit its schema, or that names a field which is not in it, is refused. A
secret is in the answer that makes it and in no other.
"""
