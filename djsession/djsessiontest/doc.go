// Package djsessiontest is for the tests of handlers that use packages djsession and djauth.
// It needs no Django, no database and no network.
//
// A [Site] has a store and users in memory, and the Manager and the Auth over them that the
// handlers under test get. Its methods log a user in for a request, and set and read the
// session of a request:
//
//	zoe := &djauth.User{ID: "17", Username: "zoe"}
//	site := djsessiontest.NewSite(nil, zoe)
//	handler := newHandler(site.Manager, site.Auth) // the handlers under test
//
//	r := httptest.NewRequest("GET", "/account/", nil)
//	site.Login(r, zoe)
//	w := httptest.NewRecorder()
//	handler.ServeHTTP(w, r)
//
// If the program makes its Manager and Auth itself, give it site.Store and site.Users, and
// set the fields of site.Auth as the program does (AuthenticationBackends, SessionAuthHash).
package djsessiontest
