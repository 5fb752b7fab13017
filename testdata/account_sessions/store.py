from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    @classmethod
    def get_model_class(cls):
        from account_sessions.models import AccountSession

        return AccountSession

    def create_model_instance(self, data):
        row = super().create_model_instance(data)
        try:
            row.account_id = int(data["_auth_user_id"])
        except (KeyError, TypeError, ValueError):
            row.account_id = None
        return row
