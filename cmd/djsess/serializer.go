package main

import (
	"strings"

	"github.com/djsess/djsess/djsession"
)

// serializers are the serializers by the names that SESSION_SERIALIZER has in djsess.toml.
var serializers = map[string]djsession.Serializer{
	"json":   djsession.JSONSerializer{},
	"pickle": djsession.PickleSerializer{},
	"django.contrib.sessions.serializers.JSONSerializer":   djsession.JSONSerializer{},
	"django.contrib.sessions.serializers.PickleSerializer": djsession.PickleSerializer{},
}

// serializer returns SESSION_SERIALIZER, or nil if the configuration does not have it.
func (c *config) serializer() (djsession.Serializer, error) {
	var all djsession.Serializers
	for _, name := range c.sessionSerializers {
		one, ok := serializers[name]
		if !ok {
			return nil, configf("%s: settings.SESSION_SERIALIZER: %s", c.file, unknownSerializer(name))
		}
		all = append(all, one)
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	}
	return all, nil
}

// unknownSerializer says what to write in place of the path of a class that is not Django's. Since
// Django 5.0 has no PickleSerializer, many sites have a copy of it. The name of a class does not
// prove what it writes, so the user must say it.
func unknownSerializer(path string) string {
	class := strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
	const ofTheSite = "this class is the site's own: "
	switch {
	case strings.Contains(class, "pickle"):
		return ofTheSite + `write "pickle" if it pickles sessions as Django's PickleSerializer does`
	case strings.Contains(class, "json"):
		return ofTheSite + `write "json" if it writes JSON as Django's JSONSerializer does`
	case strings.Contains(path, "."):
		return ofTheSite + `write "json" or "pickle" if it writes what Django's serializers write, or ["json", "pickle"] if it reads both and writes JSON; ` +
			"any other is for programs: see djsession.Serializer"
	}
	return `want "json" or "pickle", or the path of Django's JSONSerializer or PickleSerializer`
}

// reads reports what SESSION_SERIALIZER reads.
func reads(serializer djsession.Serializer) (json, pickles bool) {
	switch s := serializer.(type) {
	case nil, djsession.JSONSerializer:
		return true, false
	case djsession.PickleSerializer:
		return false, true
	case djsession.Serializers:
		for _, one := range s {
			oneJSON, onePickles := reads(one)
			json, pickles = json || oneJSON, pickles || onePickles
		}
	}
	return json, pickles
}
