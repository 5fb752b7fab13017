// Package routers shows djsess with net/http, chi, echo and gin. Each function returns the
// same service: a page for everybody, a group of pages that need a login, and an API that
// answers 401 without a login.
//
// The package is a module of its own, so that djsess does not depend on the routers.
package routers

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
)

// NetHTTP is the service with the router of the standard library.
func NetHTTP(manager *djsession.Manager, auth *djauth.Auth) http.Handler {
	account := http.NewServeMux()
	account.HandleFunc("GET /account/visits", func(w http.ResponseWriter, r *http.Request) { visits(w, r) })

	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello") })
	mux.Handle("/account/", auth.RequireUser(account))
	mux.Handle("GET /api/me", api(auth))
	return manager.Handler(mux)
}

// Chi is the service with chi.
func Chi(manager *djsession.Manager, auth *djauth.Auth) http.Handler {
	router := chi.NewRouter()
	router.Use(manager.Handler)
	router.Get("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello") })
	router.Group(func(r chi.Router) {
		r.Use(auth.RequireUser)
		r.Get("/account/visits", func(w http.ResponseWriter, r *http.Request) { visits(w, r) })
	})
	router.Method("GET", "/api/me", api(auth))
	return router
}

// Echo is the service with echo.
func Echo(manager *djsession.Manager, auth *djauth.Auth) http.Handler {
	e := echo.New()
	e.Use(echo.WrapMiddleware(manager.Handler))
	e.GET("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello\n") })
	account := e.Group("/account", echo.WrapMiddleware(auth.RequireUser))
	account.GET("/visits", func(c echo.Context) error {
		visits(c.Response(), c.Request())
		return nil
	})
	e.GET("/api/me", echo.WrapHandler(api(auth)))
	return e
}

// Gin is the service with gin. A gin handler gets the session by
// djsession.FromRequest(c.Request).
func Gin(manager *djsession.Manager, auth *djauth.Auth) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/hello", func(c *gin.Context) { c.String(http.StatusOK, "hello\n") })
	account := engine.Group("/account", ginMiddleware(auth.RequireUser))
	account.GET("/visits", func(c *gin.Context) { visits(c.Writer, c.Request) })
	engine.GET("/api/me", gin.WrapH(api(auth)))
	return manager.Handler(engine)
}

// ginMiddleware turns a middleware for net/http into a middleware for gin. If the former does
// not call the next handler, gin must not call it either.
func ginMiddleware(middleware func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		next := false
		middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next = true
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !next {
			c.Abort()
		}
	}
}

// visits counts the visits in the session. Any router's handler can call it.
func visits(w http.ResponseWriter, r *http.Request) {
	s, err := djsession.FromRequest(r)
	if err != nil {
		djsession.Error(w, r, err)
		return
	}
	n, err := djsession.GetOr(s, "visits", 0)
	if err == nil {
		err = s.Set("visits", n+1)
	}
	if err != nil {
		djsession.Error(w, r, err)
		return
	}
	fmt.Fprintln(w, "visits:", n+1)
}

// api answers with status 401, where a page would redirect to the login page.
func api(auth *djauth.Auth) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := auth.User(r)
		switch {
		case err != nil:
			djsession.Error(w, r, err)
		case user == nil:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprintln(w, "user:", user.Username)
		}
	})
}
