"""An app with a session model of its own: that of Django's manual, whose account_id is the user of the session."""
