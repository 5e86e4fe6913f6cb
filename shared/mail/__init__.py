"""Mail: a letter's two forms, and SMTP. What is written, to whom and when is each service's own.

- `letter`: from what is to be said to a message with text and HTML
- `links`: the token in a link that a mail carries
- `smtp`: hand a message to the mail server, and tell "not now" from "never"
"""
