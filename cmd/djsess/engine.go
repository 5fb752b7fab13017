package main

import "strings"

// djangoEngines is where Django's engines are.
const djangoEngines = "django.contrib.sessions.backends."

// engineRemedy says how djsess.toml describes the store of a SESSION_ENGINE. Only a cached_db has
// an engine there: of the others the URL says which it is.
func engineRemedy(engine string) string {
	switch strings.TrimPrefix(engine, djangoEngines) {
	case "cached_db":
		return `write engine = "cached_db" in the store's table, with a cache and a database`
	case "db":
		return "leave it out, and give the url of the database, such as postgres://user@host/name"
	case "file":
		return "leave it out, and give the url of the folder, such as file:////absolute/folder"
	case "cache":
		return "leave it out, and give the url of the cache, such as redis://host:6379/1"
	case "signed_cookies":
		return "its sessions are in the visitors' cookies and in no store: djsess decode --cookie reads them"
	}
	switch engine {
	case "user_sessions.backends.db":
		return "this is the engine of django-user-sessions, a table of its own: leave it out, and give the url of the database, and model = \"user_sessions\""
	case "qsessions.backends.db":
		return "this is an engine of django-qsessions, a table of its own: leave it out, and give the url of the database, and model = \"qsessions\""
	case "qsessions.backends.cached_db":
		return "this is an engine of django-qsessions, a cached_db whose database has a table of its own: " +
			"write engine = \"cached_db\", with a cache, and a database that is a store with model = \"qsessions\""
	case "redis_sessions.session":
		return "this is the engine of django-redis-sessions, a third party, and djsess has no store for it"
	}
	if strings.Contains(engine, ".") {
		return "this is an engine of a third party, or the site's own, and not one of Django's: if it is a subclass of one of Django's, " +
			"describe the store as for that engine, with its table; otherwise djsess has no store for it"
	}
	return `want "cached_db"; for the other engines leave it out and give a url`
}
