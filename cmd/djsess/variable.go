package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/djsess/djsess/djsession/storeurl"
)

// variable returns the value of a variable of the environment or of the .env beside manage.py, and where it is, for
// messages. It returns "" if neither has it.
func (a *app) variable(name string) (value, namedBy string, err error) {
	if value = os.Getenv(name); value != "" {
		return value, "$" + name, nil
	}
	return a.fromDotenv(name)
}

// secretFrom returns the secret in a variable that djsess.toml names. With inURL the variable may hold a URL: the secret is
// then its password.
func (a *app) secretFrom(variable string, inURL bool) (secret, namedBy string, err error) {
	secret, namedBy, err = a.variable(variable)
	switch {
	case err != nil:
		return "", "", err
	case secret == "":
		// The name is not shown: a user may have given the secret itself.
		return "", "", errors.New("want the name of a variable: neither the environment nor a .env beside manage.py has one of this name")
	case !inURL || !storeurl.IsURL(secret):
		return secret, namedBy, nil
	}
	if secret, err = storeurl.Password(secret); err == nil && secret == "" {
		err = errors.New("the URL has no password")
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", namedBy, err)
	}
	return secret, namedBy, nil
}

// fixedPassword returns the password of a named store and where it is, for errors. It returns "" if djsess.toml has none, or
// a password_command.
func (c *config) fixedPassword(name string) (password, at string, err error) {
	s := c.stores[name]
	at = c.file + ": stores." + name + "."
	switch {
	case s.passwordFile != "":
		at += "password_file"
		secrets, info, err := readSecrets(c.path(s.passwordFile), fromConfig)
		if err != nil {
			return "", at, err
		}
		c.warn(at, exposed(info))
		return secrets[0].text, at, nil
	case s.passwordVariable != "":
		at += "password_variable"
		password, _, err = c.secretFrom(s.passwordVariable, true)
	}
	return password, at, err
}
