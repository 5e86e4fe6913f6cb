"""What the dashboard and the admin API do, one file a use case; both come through here.

Every flow on an app takes a `Principal` and opens the app through `access`, the one place where
rights are checked. A refusal is a `Refused`, rendered at the edge as a page or as a problem.

`sign_up_developer`, `check_password`, `sign_in`, `confirm_identity`, `sign_out`, `sessions` · `register_app`,
`update_app`, `disable_app`, `read_apps` · `add_client`, `update_client`, `rotate_secret` ·
`users` · `members` · `invitations`, `invitation_mails`, `invitation_letter`, `take_invitation` ·
`audit`, `feed` · `api_tokens` · `once`, `versions`
"""
